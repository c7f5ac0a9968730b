// CreateTrainingJob requests: every field of the page wrong once, and what the right ones mean.
#include "run/training_job/request.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "run/training_job/request_help.h"

using namespace smtrain;
using namespace smtrain::run::training_job;
using nlohmann::json;
using test::kmeans_request;
using test::parsed;
using test::program_request;

namespace {

using Pointer = json::json_pointer;

std::vector<std::string> problems_of(const json& request, RequestOptions options = {}) {
  NullLog log;
  try {
    (void)parsed(request, log, options);
  } catch (const Error& e) {
    CHECK(e.fault() == Fault::user);
    return e.problems();
  }
  return {};
}

// The one problem of a request, which must have exactly one.
std::string problem_of(const json& request) {
  const std::vector<std::string> problems = problems_of(request);
  CAPTURE(problems);
  CHECK(problems.size() == 1);
  return problems.empty() ? "" : problems[0];
}

json changed(json request, const std::string& pointer, const json& value) {
  request[Pointer(pointer)] = value;
  return request;
}

json without(json request, const std::string& parent, const std::string& key) {
  request.at(Pointer(parent)).erase(key);
  return request;
}

struct Wrong {
  const char* pointer;
  json value;
  const char* says;
};

const char* const kSource = "/InputDataConfig/0/DataSource/S3DataSource";

}  // namespace

TEST_CASE("request: the minimal example means what it says", "[run][training_job]") {
  CollectedLog log;
  const TrainingJobRequest r = parsed(kmeans_request(), log);
  CHECK(r.name == "kmeans-demo");
  CHECK(r.algorithm == "kmeans");
  CHECK(r.image_tag == "1");
  CHECK(r.output_path == "/results");
  CHECK(r.max_runtime == 3600);
  CHECK(r.volume_gb == 10);
  CHECK(r.hyperparameters.at("k") == "10");
  REQUIRE(r.channels.size() == 1);
  CHECK(r.channels[0].name == "train");
  CHECK(r.channels[0].path == "/data/train/");
  CHECK(r.channels[0].sharded);
  CHECK(r.channels[0].kind == SourceKind::prefix);
  CHECK(r.channels[0].content_type == "text/csv;label_size=0");
  CHECK(log.lines.empty());
}

TEST_CASE("request: each field wrong once is refused with its place", "[run][training_job]") {
  const Wrong wrong[] = {
      {"/TrainingJobName", "", "job.json: TrainingJobName: found an empty string; expected a string of 1 to 63 characters"},
      {"/TrainingJobName", "-a", "TrainingJobName: found \"-a\""},
      {"/TrainingJobName", "a_b", "letters, digits and inner hyphens"},
      {"/TrainingJobName", std::string(64, 'a'), "(64 characters); expected a string of 1 to 63"},
      {"/TrainingJobName", 7, "TrainingJobName: found 7"},
      {"/AlgorithmSpecification", "kmeans", "AlgorithmSpecification: found \"kmeans\"; expected an object"},
      {"/AlgorithmSpecification/TrainingImage", std::string(256, 'a'), "TrainingImage: found"},
      {"/AlgorithmSpecification/AlgorithmName", "kmeans", "stands beside TrainingImage"},
      {"/AlgorithmSpecification/TrainingInputMode", "file", "expected one of: File, FastFile, Pipe; did you mean File?"},
      {"/AlgorithmSpecification/MetricDefinitions", json::parse(R"j([{"Name": "a", "Regex": "(.)"}])j"), "built-in algorithms bring their own"},
      {"/AlgorithmSpecification/ContainerEntrypoint", json::array({"sh"}), "kmeans is a built-in algorithm"},
      {"/AlgorithmSpecification/ContainerArguments", json::array({"sh"}), "kmeans is a built-in algorithm"},
      {"/HyperParameters", json::array(), "HyperParameters: found a list; expected an object of strings"},
      {"/HyperParameters/epochs", std::string(2501, '1'), "HyperParameters.epochs: found 2501 characters; expected at most 2500"},
      {"/HyperParameters/kk", "1", "HyperParameters: Extraneous hyperparameter found: kk"},
      {"/HyperParameters/k", "0", "HyperParameters: Hyperparameter k: 0 is not in"},
      {"/HyperParameters/mini-batch-size", "5", "did you mean mini_batch_size?"},
      {"/InputDataConfig", json::array(), "InputDataConfig: found a list of 0; expected a list of 1 to 20 objects"},
      {"/InputDataConfig/0/ChannelName", "a b", "InputDataConfig[0].ChannelName: found \"a b\""},
      {"/InputDataConfig/0/ChannelName", "..", "ChannelName: found \"..\""},
      {"/InputDataConfig/0/ChannelName", std::string(65, 'c'), "(65 characters)"},
      {"/InputDataConfig/0/ContentType", std::string(257, 'c'), "ContentType: found"},
      {"/InputDataConfig/0/ContentType", "text/cvs", "InputDataConfig: "},
      {"/InputDataConfig/0/InputMode", "Stream", "InputMode: found \"Stream\""},
      {"/InputDataConfig/0/CompressionType", "Gzip", "Gzip is for Pipe mode only; this channel's mode is File"},
      {"/InputDataConfig/0/CompressionType", "Bzip", "CompressionType: found \"Bzip\""},
      {"/InputDataConfig/0/RecordWrapperType", "RecordIO", "RecordIO is for Pipe mode only"},
      {"/InputDataConfig/0/RecordWrapperType", 1, "RecordWrapperType: found 1"},
      {"/InputDataConfig/0/ShuffleConfig", json::object(), "ShuffleConfig.Seed: found nothing; expected a 64-bit integer"},
      {"/InputDataConfig/0/ShuffleConfig", json::parse(R"({"Seed": 1.5})"), "ShuffleConfig.Seed: found 1.5"},
      {"/InputDataConfig/0/ShuffleConfig", json::parse(R"({"Seed": 9223372036854775808})"), "ShuffleConfig.Seed: found 9223372036854775808"},
      {"/InputDataConfig/0/DataSource", json::object(), "found neither source; expected exactly one of"},
      {"/InputDataConfig/0/DataSource/S3DataSource/S3DataType", "Prefix", "S3DataType: found \"Prefix\""},
      {"/InputDataConfig/0/DataSource/S3DataSource/S3Uri", std::string(1025, 'u'), "S3Uri: found"},
      {"/InputDataConfig/0/DataSource/S3DataSource/S3Uri", "s3://bucket/a/b", "--map s3://bucket=FOLDER"},
      {"/InputDataConfig/0/DataSource/S3DataSource/S3Uri", "https://host/a", "nothing is fetched from https://"},
      {"/InputDataConfig/0/DataSource/S3DataSource/S3Uri", "file://other/a", "names the machine \"other\""},
      {"/InputDataConfig/0/DataSource/S3DataSource/S3Uri", "file:///a%2", "two hexadecimal digits"},
      {"/InputDataConfig/0/DataSource/S3DataSource/S3DataDistributionType", "Sharded", "S3DataDistributionType: found \"Sharded\""},
      {"/InputDataConfig/0/DataSource/S3DataSource/AttributeNames", json::array({"a"}), "is only for S3DataType AugmentedManifestFile"},
      {"/InputDataConfig/0/DataSource/S3DataSource/InstanceGroupNames", json::array({1}), "InstanceGroupNames[0]: found 1"},
      {"/OutputDataConfig", json::object(), "OutputDataConfig.S3OutputPath: found nothing"},
      {"/OutputDataConfig/S3OutputPath", "s3://results", "OutputDataConfig.S3OutputPath: \"s3://results\""},
      {"/OutputDataConfig/CompressionType", "gzip", "expected one of: GZIP, NONE; did you mean GZIP?"},
      {"/ResourceConfig/InstanceType", 1, "ResourceConfig.InstanceType: found 1"},
      {"/ResourceConfig/InstanceCount", 0, "InstanceCount: found 0; expected an integer, 1 to 10000"},
      {"/ResourceConfig/InstanceCount", "1", "InstanceCount: found \"1\""},
      {"/ResourceConfig/VolumeSizeInGB", 0, "VolumeSizeInGB: found 0; expected an integer of at least 1"},
      {"/ResourceConfig/KeepAlivePeriodInSeconds", 21601, "0 to 21600"},
      {"/StoppingCondition/MaxRuntimeInSeconds", 2419201, "1 to 2419200"},
      {"/StoppingCondition/MaxRuntimeInSeconds", 0, "1 to 2419200"},
      {"/StoppingCondition/MaxWaitTimeInSeconds", 3599, "found 3599; expected at least MaxRuntimeInSeconds, 3600"},
      {"/StoppingCondition/MaxPendingTimeInSeconds", 7199, "7200 to 2419200"},
      {"/EnableManagedSpotTraining", true, "needs StoppingCondition.MaxWaitTimeInSeconds"},
      {"/EnableManagedSpotTraining", "true", "found \"true\"; expected true or false"},
      {"/CheckpointConfig", json::parse(R"({"LocalPath": "/opt/ml/checkpoints"})"), "CheckpointConfig.S3Uri: found nothing"},
      {"/CheckpointConfig", json::parse(R"({"S3Uri": "c", "LocalPath": "../c"})"), "CheckpointConfig.LocalPath: found \"../c\""},
      {"/RetryStrategy", json::object(), "MaximumRetryAttempts: found nothing"},
      {"/RetryStrategy", json::parse(R"({"MaximumRetryAttempts": 31})"), "1 to 30"},
      {"/Environment", json::parse(R"({"A-B": "1"})"), "Environment.A-B: found \"A-B\""},
      {"/Environment", json::parse(R"({"A": 1})"), "Environment.A: found 1; expected a string: \"1\""},
      {"/Environment", {{"A", std::string(513, 'v')}}, "Environment.A: found 513 characters; expected at most 512"},
      {"/TrainingJobNam", "a", "TrainingJobNam: is not a field of a request; did you mean TrainingJobName?"},
      {"/InputDataConfig/0/Chanel", "a", "InputDataConfig[0].Chanel: is not a field"},
  };
  for (const Wrong& w : wrong) {
    CAPTURE(w.pointer, w.value);
    CHECK_THAT(problem_of(changed(kmeans_request(), w.pointer, w.value)), Catch::Contains(w.says));
  }
}

TEST_CASE("request: each required field is asked for", "[run][training_job]") {
  for (const char* key : {"TrainingJobName", "AlgorithmSpecification", "OutputDataConfig", "ResourceConfig"}) {
    CAPTURE(key);
    const std::vector<std::string> problems = problems_of(without(kmeans_request(), "", key));
    REQUIRE(!problems.empty());
    CHECK_THAT(problems[0], Catch::StartsWith(std::string("job.json: ") + key + ": found nothing; expected"));
  }
  CHECK_THAT(problem_of(without(kmeans_request(), "/AlgorithmSpecification", "TrainingInputMode")), Catch::Contains("TrainingInputMode: found nothing"));
  CHECK_THAT(problem_of(without(kmeans_request(), "/AlgorithmSpecification", "TrainingImage")), Catch::Contains("no image"));
  CHECK_THAT(problem_of(without(kmeans_request(), "/InputDataConfig/0", "DataSource")), Catch::Contains("DataSource: found nothing"));
  CHECK_THAT(problem_of(without(kmeans_request(), kSource, "S3DataType")), Catch::Contains("S3DataType: found nothing"));
  CHECK_THAT(problem_of(without(kmeans_request(), kSource, "S3Uri")), Catch::Contains("S3Uri: found nothing"));
  CHECK_THAT(problem_of(without(kmeans_request(), "/HyperParameters", "k")), Catch::Contains("HyperParameters: Missing required hyperparameter: k"));
}

TEST_CASE("request: rules of user programs", "[run][training_job]") {
  const Wrong wrong[] = {
      {"/AlgorithmSpecification/ContainerEntrypoint", json::array(), "ContainerEntrypoint: found a list of 0; expected a list of 1 to 100"},
      {"/AlgorithmSpecification/ContainerArguments", json::array({std::string(257, 'a')}), "ContainerArguments[0]: found"},
      {"/AlgorithmSpecification/MetricDefinitions", json::parse(R"j([{"Name": "a"}])j"), "MetricDefinitions[0].Regex: found nothing"},
      {"/AlgorithmSpecification/MetricDefinitions", json::parse(R"j([{"Name": "", "Regex": "(a)"}])j"), "1 to 255"},
      {"/AlgorithmSpecification/MetricDefinitions", json::parse(R"j([{"Name": "a", "Regex": "(a"}])j"), "MetricDefinitions[0].Regex: \"(a\": missing ): (a"},
      {"/AlgorithmSpecification/MetricDefinitions", json::parse(R"j([{"Name": "a", "Regex": "(a)(?=b)"}])j"), "without look-around"},
      {"/AlgorithmSpecification/MetricDefinitions", json::parse(R"j([{"Name": "a", "Regex": "loss=.*"}])j"), "no group"},
      {"/AlgorithmSpecification/MetricDefinitions", json::parse(R"j([{"Name": "a", "Regex": "(a)"}, {"Name": "a", "Regex": "(b)"}])j"), "defined twice"},
  };
  CHECK(problems_of(program_request()).empty());
  for (const Wrong& w : wrong) {
    CAPTURE(w.pointer, w.value);
    CHECK_THAT(problem_of(changed(program_request(), w.pointer, w.value)), Catch::Contains(w.says));
  }
  json many = program_request();
  for (int i = 0; i < 41; ++i) many["AlgorithmSpecification"]["MetricDefinitions"].push_back({{"Name", std::to_string(i)}, {"Regex", "(a)"}});
  CHECK_THAT(problem_of(many), Catch::Contains("MetricDefinitions: found a list of 41; expected a list of 0 to 40"));
  json nothing = program_request();
  nothing["AlgorithmSpecification"].erase("ContainerEntrypoint");
  CHECK_THAT(problem_of(nothing), Catch::Contains("registry/mine:2") && Catch::Contains("--exec PREFIX"));
  CHECK(problems_of(nothing, {.has_exec_prefix = true}).empty());
  nothing["HyperParameters"]["sagemaker_program"] = "\"train.py\"";
  CHECK(problems_of(nothing).empty());
}

TEST_CASE("request: channels of a built-in are those of its description", "[run][training_job]") {
  const std::vector<std::string> problems = problems_of(changed(kmeans_request(), "/InputDataConfig/0/ChannelName", "training"));
  REQUIRE(problems.size() == 2);
  CHECK_THAT(problems[0], Catch::StartsWith("job.json: InputDataConfig: Missing required channel: train (given: training)"));
  CHECK_THAT(problems[1], Catch::Contains("Extraneous channel found: training"));
}

TEST_CASE("request: channels are told apart", "[run][training_job]") {
  json twice = program_request();
  twice["InputDataConfig"].push_back(twice["InputDataConfig"][0]);
  CHECK_THAT(problem_of(twice), Catch::Contains("InputDataConfig[1].ChannelName: the channel \"train\" is given twice"));
  json both = program_request();
  both["InputDataConfig"][0]["DataSource"]["FileSystemDataSource"] = {{"DirectoryPath", "/nfs"}};
  CHECK_THAT(problem_of(both), Catch::Contains("found 2 sources"));
  json augmented = changed(program_request(), std::string(kSource) + "/S3DataType", "AugmentedManifestFile");
  augmented.at(Pointer(kSource))["AttributeNames"] = {"source-ref", "class"};
  CHECK_THAT(problem_of(augmented), Catch::Contains("AugmentedManifestFile is for Pipe mode only"));
  augmented["InputDataConfig"][0]["InputMode"] = "Pipe";
  augmented["InputDataConfig"][0]["RecordWrapperType"] = "RecordIO";
  NullLog log;
  const TrainingJobRequest r = parsed(augmented, log);
  CHECK(r.channels[0].attributes == std::vector<std::string>{"source-ref", "class"});
  CHECK(r.channels[0].record_io);
  augmented.at(Pointer(kSource)).erase("AttributeNames");
  CHECK_THAT(problem_of(augmented), Catch::Contains("AttributeNames: found nothing"));
}

TEST_CASE("request: all problems come together", "[run][training_job]") {
  json request = kmeans_request();
  request["TrainingJobName"] = "a b";
  request["ResourceConfig"]["InstanceCount"] = 0;
  request["HyperParameters"]["kk"] = "1";
  request["Extra"] = 1;
  CHECK(problems_of(request).size() == 4);
}

TEST_CASE("request: file systems and the local mode's sources are folders and prefixes", "[run][training_job]") {
  NullLog log;
  json request = program_request();
  request["InputDataConfig"][0]["DataSource"] = json::parse(
      R"({"FileSystemDataSource": {"DirectoryPath": "/nfs/val", "FileSystemType": "EFS", "FileSystemAccessMode": "ro", "FileSystemId": "fs-0"}})");
  request["AlgorithmSpecification"]["TrainingInputMode"] = "Pipe";
  TrainingJobRequest r = parsed(request, log);
  CHECK(r.channels[0].kind == SourceKind::folder);
  CHECK(r.channels[0].mode == InputMode::file);
  CHECK(r.channels[0].path == "/nfs/val");
  request["InputDataConfig"][0]["DataSource"] = json::parse(R"({"FileDataSource": {"FileUri": "file:///d/x", "FileDataDistributionType": "FullyReplicated"}})");
  r = parsed(request, log);
  CHECK(r.channels[0].path == "/d/x");
  CHECK(r.channels[0].mode == InputMode::pipe);
}

TEST_CASE("request: groups of machines stand for type and count", "[run][training_job]") {
  NullLog log;
  json request = program_request();
  request["ResourceConfig"] = json::parse(R"({"InstanceGroups": [{"InstanceGroupName": "a", "InstanceType": "local", "InstanceCount": 2},
      {"InstanceGroupName": "b", "InstanceType": "ml.c5.large", "InstanceCount": 1}], "VolumeSizeInGB": 1})");
  CHECK(parsed(request, log).instance_count == 3);
  json both = changed(request, "/ResourceConfig/InstanceCount", 3);
  CHECK_THAT(problem_of(both), Catch::Contains("ResourceConfig.InstanceCount: stands beside InstanceGroups"));
  json unknown = changed(request, std::string(kSource) + "/InstanceGroupNames", json::array({"c"}));
  CHECK_THAT(problem_of(unknown), Catch::Contains("expected one of: a, b"));
}

TEST_CASE("request: what means nothing here is noted once", "[run][training_job]") {
  CollectedLog log;
  json request = kmeans_request();
  for (const char* field : {"RoleArn", "Tags", "VpcConfig", "EnableNetworkIsolation", "ProfilerConfig"}) request[field] = "x";
  request["ResourceConfig"]["VolumeKmsKeyId"] = "x";
  request["OutputDataConfig"]["KmsKeyId"] = "x";
  (void)parsed(request, log);
  CHECK(log.lines.size() == 7);
  for (const auto& [level, line] : log.lines) CHECK_THAT(line, Catch::Contains("has no effect on this machine"));
}

TEST_CASE("request: lenient reading notes unknown fields", "[run][training_job]") {
  CollectedLog log;
  (void)parsed(changed(kmeans_request(), "/Futures", 1), log, {.lenient = true});
  REQUIRE(log.lines.size() == 1);
  CHECK_THAT(log.lines[0].second, Catch::Contains("Futures is not a field of a request and is ignored"));
}

TEST_CASE("request: damaged documents are user errors with a place", "[run][training_job]") {
  NullLog log;
  auto says = [&](const std::string& text) {
    try {
      (void)parse_request(text, "job.json", {}, log);
    } catch (const Error& e) {
      CHECK(e.fault() == Fault::user);
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  CHECK_THAT(says("{\n  \"TrainingJobName\": }"), Catch::StartsWith("job.json:2: not valid JSON at column"));
  CHECK_THAT(says("[]"), Catch::Contains("expected one JSON object, found a list"));
  CHECK_THAT(says("{\"Tags\": 1, \"Tags\": 2}"), Catch::Contains("\"Tags\" is given twice"));
  CHECK_THAT(says(""), Catch::Contains("not valid JSON"));
  CHECK_THAT(says(std::string(100000, '[')), Catch::Contains("not valid JSON"));
  const std::string whole = kmeans_request().dump();
  for (std::size_t n = 0; n < whole.size(); ++n) CHECK(says(whole.substr(0, n)) != "accepted");
}

TEST_CASE("request: images of the service's algorithms that are not here are refused by name", "[run][training_job]") {
  CHECK_THAT(problem_of(changed(kmeans_request(), "/AlgorithmSpecification/TrainingImage", "r/semantic-segmentation:1")),
             Catch::Contains("semantic-segmentation is not among the algorithms that this smtrain has: kmeans"));
  json by_name = kmeans_request();
  by_name["AlgorithmSpecification"] = {{"AlgorithmName", "kmeans"}, {"TrainingInputMode", "File"}};
  CHECK(problems_of(by_name).empty());
  by_name["AlgorithmSpecification"]["AlgorithmName"] = "kmean";
  CHECK_THAT(problem_of(by_name), Catch::Contains("did you mean kmeans?"));
}
