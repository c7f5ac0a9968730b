#include "run/training_job/description.h"

#include <fmt/chrono.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "algos/registry.h"
#include "base/error.h"
#include "base/text.h"
#include "run/build_info.h"
#include "run/contract/failure.h"
#include "run/console/render.h"
#include "run/training_job/script.h"

namespace smtrain::run::training_job {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxDescription = std::size_t{64} << 20;

double milliseconds(double seconds) { return std::round(seconds * 1000) / 1000; }

Json time_json(double seconds, bool iso) {
  if (!iso) return milliseconds(seconds);
  const auto whole = static_cast<std::time_t>(seconds);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03d}Z", fmt::gmtime(whole),
                     static_cast<int>((seconds - static_cast<double>(whole)) * 1000));
}

Json member(const Json& object, const char* key) {
  const auto at = object.find(key);
  return at == object.end() ? Json() : *at;
}

Json metric_definitions(const TrainingJobRequest& request) {
  Json list = Json::array();
  if (request.built_in()) {
    for (const job::MetricSpec& m : algos::find(request.algorithm)->description().metrics)
      list.push_back({{"Name", m.name}, {"Regex", m.regex}});
  }
  for (const MetricDefinition& m : request.metrics) list.push_back({{"Name", m.name}, {"Regex", m.regex}});
  return list;
}

}  // namespace

std::optional<Earlier> read_description(const fs::path& folder) {
  const fs::path path = folder / "description.json";
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return std::nullopt;
  const Json json = Json::parse(read_file(path, kMaxDescription), nullptr, false);
  if (!json.is_object() || !member(json, "TrainingJobStatus").is_string()) {
    throw user_error("{}: is no description of a training job; remove it, or give --overwrite", path.string());
  }
  Earlier earlier;
  earlier.status = json["TrainingJobStatus"].get<std::string>();
  if (const Json secondary = member(json, "SecondaryStatus"); secondary.is_string())
    earlier.secondary_status = secondary.get<std::string>();
  if (const Json seconds = member(json, "TrainingTimeInSeconds"); seconds.is_number())
    earlier.training_seconds = seconds.get<double>();
  const Json hyperparameters = member(json, "HyperParameters");
  for (const auto& [name, value] : hyperparameters.items())
    if (value.is_string()) earlier.hyperparameters[name] = value.get<std::string>();
  const bool with_checkpoint = member(json, "Resumable") == Json(true);
  earlier.resumable = earlier.status == "InProgress" || earlier.status == "Stopping"
      || (earlier.status == "Stopped" && with_checkpoint);
  return earlier;
}

struct Description::State {
  fs::path path;
  bool iso = false;
  std::mutex mutex;
  Json json;

  // Under the mutex.
  void write(double now) {
    json["LastModifiedTime"] = time_json(now, iso);
    AtomicFile file(path);
    file.write(json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
    file.commit();
  }
};

Description::Description(fs::path folder, const TrainingJobRequest& request, bool iso_times,
                         const std::optional<Earlier>& earlier)
    : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.path = std::move(folder) / "description.json";
  s.iso = iso_times;
  Json transitions = Json::array(), created = time_json(wall_clock(), iso_times), started;
  if (earlier) {
    const Json before = Json::parse(read_file(s.path, kMaxDescription), nullptr, false);
    if (const Json list = member(before, "SecondaryStatusTransitions"); list.is_array()) transitions = list;
    if (const Json time = member(before, "CreationTime"); !time.is_null()) created = time;
    started = member(before, "TrainingStartTime");
  }
  const Json document = Json::parse(request.document);
  Json& json = s.json;
  json["TrainingJobName"] = request.name;
  json["TrainingJobArn"] = arn_of(request.name);
  json["TrainingJobStatus"] = "InProgress";
  json["SecondaryStatus"] = "Starting";
  json["ModelArtifacts"] = Json::object();
  json["HyperParameters"] = Json(request.hyperparameters);
  json["AlgorithmSpecification"] = document["AlgorithmSpecification"];
  json["AlgorithmSpecification"]["MetricDefinitions"] = metric_definitions(request);
  for (const char* key : {"InputDataConfig", "OutputDataConfig", "ResourceConfig", "StoppingCondition",
                          "EnableManagedSpotTraining", "CheckpointConfig", "RetryStrategy", "Environment"}) {
    if (document.contains(key)) json[key] = document[key];
  }
  json["CreationTime"] = created;
  if (!started.is_null()) json["TrainingStartTime"] = started;
  json["SecondaryStatusTransitions"] = transitions;
  json["FinalMetricDataList"] = Json::array();
  json["TrainingTimeInSeconds"] = 0;
  json["BillableTimeInSeconds"] = 0;
  json["Algorithm"] = request.algorithm;
  json["ImageTag"] = request.image_tag;
  json["SmtrainVersion"] = version();
}

Description::~Description() = default;

void Description::enter(const std::string& status, const std::string& secondary_status, const std::string& message) {
  State& s = *state_;
  const std::lock_guard lock(s.mutex);
  const double now = wall_clock();
  const Json time = time_json(now, s.iso);
  Json& transitions = s.json["SecondaryStatusTransitions"];
  for (Json& t : transitions) {
    if (!t.contains("EndTime")) t["EndTime"] = time;
  }
  Json next = {{"Status", secondary_status}, {"StartTime", time}};
  const bool last = status == "Completed" || status == "Failed" || status == "Stopped";
  if (last) next["EndTime"] = time;
  if (last) s.json["TrainingEndTime"] = time;
  next["StatusMessage"] = message;
  transitions.push_back(std::move(next));
  s.json["TrainingJobStatus"] = status;
  s.json["SecondaryStatus"] = secondary_status;
  s.write(now);
}

void Description::training_started() {
  const std::lock_guard lock(state_->mutex);
  if (!state_->json.contains("TrainingStartTime")) state_->json["TrainingStartTime"] = time_json(wall_clock(), state_->iso);
}

void Description::set_metrics(const std::map<std::string, FinalMetric>& metrics) {
  const std::lock_guard lock(state_->mutex);
  Json list = Json::array();
  for (const auto& [name, m] : metrics)
    list.push_back({{"MetricName", name}, {"Value", m.value}, {"Timestamp", time_json(m.time, state_->iso)}});
  state_->json["FinalMetricDataList"] = std::move(list);
}

void Description::set_model(const std::string& uri) {
  const std::lock_guard lock(state_->mutex);
  state_->json["ModelArtifacts"] = {{"S3ModelArtifacts", uri}};
}

void Description::set_failure(const std::string& reason) {
  const std::lock_guard lock(state_->mutex);
  state_->json["FailureReason"] = contract::first_characters(reason);
}

void Description::set_resumable(bool resumable) {
  const std::lock_guard lock(state_->mutex);
  state_->json["Resumable"] = resumable;
}

void Description::set_attempt(std::int64_t attempt) {
  const std::lock_guard lock(state_->mutex);
  state_->json["Attempt"] = attempt;
}

void Description::set_training_seconds(double seconds) {
  const std::lock_guard lock(state_->mutex);
  state_->json["TrainingTimeInSeconds"] = state_->json["BillableTimeInSeconds"] = milliseconds(seconds);
}

void Description::write() {
  const std::lock_guard lock(state_->mutex);
  state_->write(wall_clock());
}

}  // namespace smtrain::run::training_job
