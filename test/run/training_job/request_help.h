// Requests for tests: a valid one, changed in one place.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "run/training_job/request.h"

namespace smtrain::test {

inline nlohmann::json kmeans_request() {
  return nlohmann::json::parse(R"({
    "TrainingJobName": "kmeans-demo",
    "AlgorithmSpecification": {"TrainingImage": "registry/kmeans:1", "TrainingInputMode": "File"},
    "HyperParameters": {"k": "10", "feature_dim": "784"},
    "InputDataConfig": [
      {"ChannelName": "train", "ContentType": "text/csv;label_size=0",
       "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "file:///data/train/", "S3DataDistributionType": "ShardedByS3Key"}}}],
    "OutputDataConfig": {"S3OutputPath": "file:///results"},
    "ResourceConfig": {"InstanceType": "local", "InstanceCount": 1, "VolumeSizeInGB": 10},
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600}
  })");
}

/// A user's own program with a channel "train".
inline nlohmann::json program_request() {
  nlohmann::json json = kmeans_request();
  json["AlgorithmSpecification"] = {{"TrainingImage", "registry/mine:2"}, {"TrainingInputMode", "File"}, {"ContainerEntrypoint", {"/bin/true"}}};
  json["HyperParameters"] = nlohmann::json::object();
  return json;
}

inline run::training_job::TrainingJobRequest parsed(const nlohmann::json& json, Log& log, run::training_job::RequestOptions options = {}) {
  return run::training_job::parse_request(json.dump(), "job.json", options, log);
}

}  // namespace smtrain::test
