#include <algorithm>
#include <cstdlib>

#include "algos/registry.h"
#include "base/error.h"
#include "base/text.h"
#include "commands.h"
#include "durations.h"
#include "formats/io/uri.h"
#include "run/training_job/images.h"
#include "run/training_job/job_runner.h"

namespace smtrain::cmd {
namespace {

using namespace run::training_job;

std::string variable(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? "" : text;
}

/// Settings that the request brings: its smtrain_* hyperparameters, and the device by the machine type.
run::SettingTexts settings_of(const TrainingJobRequest& request, run::Console& console) {
  std::vector<job::Given> given;
  for (const auto& [name, value] : request.hyperparameters) given.push_back({name, value, "HyperParameters"});
  run::SettingTexts settings = run::take_settings(given);
  const std::string device = device_of(request.instance_type);
  if (!request.built_in() || settings.contains("device") || device == "auto") return settings;
  const std::vector<std::string>& devices = algos::find(request.algorithm)->description().devices;
  if (std::find(devices.begin(), devices.end(), device) != devices.end()) settings["device"] = device;
  else console.info("{} has a GPU, which {} does not use", request.instance_type, request.algorithm);
  return settings;
}

JobOptions options_of(CommandLine& line) {
  JobOptions options;
  options.job_file = *line.text("job");
  options.exec_prefix = line.text("exec").value_or("");
  options.workdir = line.text("workdir").value_or(variable("SMTRAIN_WORKDIR"));
  options.depfile = line.text("depfile");
  options.metrics_file = line.text("metrics");
  options.checkpoint_every = duration_of(line, "checkpoint-every");
  options.grace = grace_of(line);
  options.overwrite = line.has("overwrite");
  options.split_records = line.has("split-records");
  options.iso_times = line.has("iso-times");
  options.dry_run = line.has("dry-run");
  options.arguments = line.arguments;
  return options;
}

}  // namespace

bool is_host(const CommandLine& line) { return line.has("job") || line.has("stop"); }

void check_train_flags(CommandLine& line) {
  const bool job = line.has("job"), stop = line.has("stop");
  if (int{job} + int{stop} + int{line.has("root")} > 1) line.problems.push_back("--root, --job and --stop exclude each other");
  if (job) return;
  for (const char* flag : {"map", "overwrite", "lenient", "split-records", "exec", "workdir", "iso-times", "metrics",
                           "depfile"}) {
    if (line.has(flag)) line.problems.push_back(fmt::format("--{} goes with --job", flag));
  }
}

void train_job(CommandLine& line, Session& session) {
  if (line.has("stop")) {
    session.throw_problems();
    return stop_training_job(*line.text("stop"), session.console());
  }
  RequestOptions reading;
  reading.lenient = line.has("lenient");
  reading.has_exec_prefix = line.has("exec");
  for (const std::string& map : line.texts("map")) {
    try {
      reading.maps.push_back(formats::parse_map(map));
    } catch (const Error& e) {
      line.problems.push_back(e.what());
    }
  }
  JobOptions options = options_of(line);
  session.throw_problems();
  const TrainingJobRequest request = read_request(options.job_file, reading, session.console());
  session.use_job_settings(settings_of(request, session.console()));
  options.common = session.common();
  run_training_job(request, options, session.console());
}

}  // namespace smtrain::cmd
