// Attempt: one run of a job's program on all hosts, watched.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "run/training_job/job_log.h"
#include "run/training_job/launcher.h"
#include "run/training_job/tree.h"

namespace smtrain::run::training_job {

enum class StopCause { none, request, max_runtime, max_wait };

/// Says when a run is to stop: a signal to this process, the marker file, or a limit. Asked by one thread.
class Watch {
 public:
  Watch(std::filesystem::path marker, double runtime_left, std::optional<double> wait_left);
  /// The cause, once there is one; it stays the first.
  StopCause due();
  /// Seconds since the watch began.
  double elapsed() const;

 private:
  bool marker_seen();

  const std::filesystem::path marker_;
  double next_look_ = 0;
  const double start_, runtime_left_;
  const std::optional<double> wait_left_;
  StopCause cause_ = StopCause::none;
};

struct Outcome {
  enum class Kind {
    completed,
    failed,   ///< the program's or the user's fault; never tried again
    machine,  ///< the machine's fault: tried again
    stopped,  ///< because it was to stop
  };
  Kind kind = Kind::completed;
  std::string reason;                    ///< as FailureReason, when it failed
  Fault fault = Fault::user;             ///< likewise: of the Error that ends this process
  std::vector<std::string> problems;     ///< likewise: what that Error says
};

struct AttemptPlan {
  const TrainingJobRequest* request = nullptr;
  const Launcher* launcher = nullptr;
  const Hosts* hosts = nullptr;
  const Sources* sources = nullptr;
  std::vector<contract::Layout> layouts;  ///< trees, made
  HostSettings settings;
  std::vector<std::string> arguments;     ///< of this process, for the log
  std::function<void(StopCause)> on_stop; ///< called once, when the stop begins; any thread
  std::function<void()> tick;             ///< called several times a second; any thread
};

/// Runs the program to its end, or until `watch` ends it. Feeders live as long as the attempt.
Outcome run_attempt(const AttemptPlan& plan, Watch& watch, JobLog& log, Console& console);

}  // namespace smtrain::run::training_job
