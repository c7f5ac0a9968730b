// What a training run does at its safe points: checkpoints, signals, the time limit.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/signals.h"
#include "dist/communicator.h"
#include "job/algorithm.h"
#include "job/checkpoint.h"
#include "run/console/console.h"
#include "run/requests.h"

namespace smtrain::run {

/// What a run is, without what only its data tell: algorithm, hyperparameters as given, seed, start model, channels, processes.
job::Identity identity_of(const TrainRequest& request, const job::Settings& settings, const job::Model* start_model, int processes);

/// The fact that a channel adds once it is open.
std::string channel_fact(const std::string& channel);
std::string channel_identity(const formats::TableStream& stream);

/// For a dry run: checks the newest checkpoint of the request's folder against the identity and says what would happen. Writes
/// nothing.
void describe_checkpoints(const TrainRequest& request, const job::Identity& identity, Console& console);

/// A run that was finished before: what its end needs.
struct FinishedRun {
  job::Model model;
  std::vector<std::string> files_read;
};

/// The checkpoints of one run. Of several processes the first reads, writes and decides; all construct it and call the same
/// members in the same order. Not thread-safe. request, workers and console outlive it.
class Checkpointing {
 public:
  /// Finds the checkpoint to go on from. Throws a user Error, with all differences, when it belongs to another run.
  Checkpointing(const TrainRequest& request, job::Identity identity, dist::Communicator& workers, Console& console);

  const job::State* resumed() const { return resumed_ ? &resumed_->checkpoint.state : nullptr; }
  /// Adds what the data tell to the identity; refused like above.
  void add_fact(const std::string& name, std::string value);
  /// As job::Context::safe_point.
  bool safe_point(const job::Progress& progress, const job::SaveState& save);

  /// Whether the run that left the checkpoint had finished.
  bool finished() const;
  /// The channels it had opened.
  std::vector<std::string> finished_channels() const;
  FinishedRun finished_run() const;
  /// Keeps the model, so that the same command writes it again without training.
  void finish(const FinishedRun& run);

  /// What stopped the training before its end, when safe_point said false: a signal's name.
  const std::optional<std::string>& stopped_by() const { return stopped_by_; }
  /// The Error that a stopped run ends with; `what` follows the word of what stopped it.
  Error stopped(const std::string& what) const;
  /// What an Error that left the algorithm ends the run with: that of a stop is exit 75 where there is a folder, others are as
  /// they were.
  Error ended_by(const Error& error) const;

 private:
  struct Wishes {
    int stop = 0;  // a signal
    bool save = false;
  };
  void find();
  void receive(std::optional<job::FoundCheckpoint> found);
  void refuse_differences() const;
  void say_what_is_resumed() const;
  Wishes wishes(bool closing);
  bool due(bool closing) const;
  bool stop(int signal, const job::Progress& progress, const job::SaveState& save);
  void save_at_stop(const job::Progress& progress, const job::SaveState& save);
  job::Checkpoint make(const job::Progress& progress, const job::SaveState& save);
  void save_now(const job::Progress& progress, const job::SaveState& save);
  /// The name of the newest that is whole; "the start" when there is none.
  std::string last_checkpoint() const;
  double seconds_since(std::chrono::steady_clock::time_point start) const;

  const TrainRequest& request_;
  job::Identity identity_;
  dist::Communicator& workers_;
  Console& console_;
  const double every_;
  std::unique_ptr<job::Checkpointer> folder_;  // of the first process, where a folder was given
  std::optional<job::FoundCheckpoint> resumed_;
  std::optional<StopTimer> timer_;
  bool saved_at_stop_ = false;
  std::chrono::steady_clock::time_point last_save_ = std::chrono::steady_clock::now(), stopped_at_{};
  std::optional<std::string> stopped_by_;
  int stop_signal_ = 0;
};

}  // namespace smtrain::run
