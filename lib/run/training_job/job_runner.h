// A training job from its request to its description: `smtrain train --job`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "run/requests.h"
#include "run/training_job/request.h"

namespace smtrain::run::training_job {

struct JobOptions {
  std::string job_file;           ///< for messages and the depfile
  std::string exec_prefix;
  std::string workdir;            ///< trees go to WORKDIR/<job>; "": the job's folder, work/
  std::optional<std::string> depfile, metrics_file;
  std::optional<double> checkpoint_every;  ///< seconds; of built-ins
  double grace = 120;             ///< seconds from SIGTERM to SIGKILL
  bool overwrite = false;         ///< an earlier job of that name is removed
  bool split_records = false;     ///< see TreeOptions
  bool iso_times = false;         ///< times of the description as ISO 8601
  bool dry_run = false;           ///< everything is checked, nothing made
  std::vector<std::string> arguments;
  CommonSettings common;
};

/// Runs the job in <output path>/<name>/, where it leaves job.json, description.json, logs/<host>.log, metrics.jsonl and output/.
/// An unfinished job of that name goes on. Throws Error: what a request or a program has got wrong, Fault::stopped for a job that
/// was stopped and can go on, Fault::interrupted for one that cannot.
void run_training_job(const TrainingJobRequest& request, const JobOptions& options, Console& console);

/// Leaves the marker that asks the runner of the job in that folder to stop it, on whichever machine that runs; does not wait.
void stop_training_job(const std::string& folder, Log& log);

}  // namespace smtrain::run::training_job
