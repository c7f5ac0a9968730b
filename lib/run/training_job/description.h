// Description: what DescribeTrainingJob answers, kept in description.json.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "run/training_job/job_log.h"
#include "run/training_job/request.h"

namespace smtrain::run::training_job {

/// Of an earlier run of the job.
struct Earlier {
  std::string status, secondary_status;
  bool resumable = false;        ///< unfinished: in progress when it was lost, or stopped with a checkpoint
  double training_seconds = 0;   ///< that count against MaxRuntimeInSeconds
  std::map<std::string, std::string> hyperparameters;
};

/// Reads a job folder's description; nullopt when there is none. Throws a user Error for a damaged one.
std::optional<Earlier> read_description(const std::filesystem::path& folder);

/// Each change is on disk before its call returns, and the file is whole at every instant. Thread-safe.
class Description {
 public:
  /// Goes on from `earlier` where the job is resumed. Writes nothing yet.
  Description(std::filesystem::path folder, const TrainingJobRequest& request, bool iso_times,
              const std::optional<Earlier>& earlier);
  ~Description();

  /// Ends the running transition and begins the next.
  void enter(const std::string& status, const std::string& secondary_status, const std::string& message);
  void training_started();
  void set_metrics(const std::map<std::string, FinalMetric>& metrics);
  void set_model(const std::string& uri);
  void set_failure(const std::string& reason);
  void set_resumable(bool resumable);
  void set_attempt(std::int64_t attempt);
  /// Seconds of training in all attempts.
  void set_training_seconds(double seconds);
  /// Writes what was set since.
  void write();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace smtrain::run::training_job
