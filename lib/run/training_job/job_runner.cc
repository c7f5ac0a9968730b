#include "run/training_job/job_runner.h"

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

#include "algos/registry.h"
#include "base/error.h"
#include "base/file.h"
#include "base/signals.h"
#include "base/text.h"
#include "formats/io/uri.h"
#include "run/depfile.h"
#include "run/problems.h"
#include "run/training_job/attempt.h"
#include "run/training_job/checkpoints.h"
#include "run/training_job/collect.h"
#include "run/training_job/description.h"
#include "run/training_job/job_folder.h"

namespace smtrain::run::training_job {
namespace {

namespace fs = std::filesystem;

constexpr double kDescribeEvery = 15;  // seconds between descriptions of a job that goes on as it is
constexpr auto kRestartPause = std::chrono::seconds(1);

const char* secondary_status(StopCause cause) {
  switch (cause) {
    case StopCause::max_runtime: return "MaxRuntimeExceeded";
    case StopCause::max_wait: return "MaxWaitTimeExceeded";
    case StopCause::none:
    case StopCause::request: break;
  }
  return "Stopped";
}

dev_t device_of_path(fs::path path) {
  struct stat status = {};
  while (::stat(path.c_str(), &status) != 0 && path.has_relative_path()) path = path.parent_path();
  return status.st_dev;
}

class Runner {
 public:
  Runner(const TrainingJobRequest& request, const JobOptions& options, Console& console)
      : request_(request), options_(options), console_(console), hosts_(hosts_of(request)),
          launcher_(request, options.exec_prefix),
        folder_(fs::path(request.output_path) / request.name, options.overwrite),
        work_(options.workdir.empty() ? folder_.path() / "work" : fs::absolute(options.workdir) / request.name) {
    for (const std::string& name : hosts_.names) layouts_.emplace_back(work_ / name);
  }

  void check() {
    sources_ = list_sources(request_, console_);
    Problems problems;
    if (options_.checkpoint_every && !request_.checkpoint_path)
      problems.add("--checkpoint-every has nowhere to write; give CheckpointConfig too");
    for (const Channel& c : request_.channels) problems.check([&] { check_shards(c); });
    problems.check([&] { check_space(); });
    if (request_.built_in() && folder_.earlier()) check_unchanged(folder_.earlier()->hyperparameters, problems);
    problems.raise();
    if (options_.dry_run && request_.built_in()) try_built_in();
  }

  void run() {
    folder_.open(console_);
    description_.emplace(folder_.path(), request_, options_.iso_times, folder_.earlier());
    description_->write();  // from here on whoever is killed leaves a job that goes on
    try {
      write_request();
      open_log();
      run_attempts();
    } catch (const Error& e) {
      end_by(e);
      throw;
    }
    folder_.remove_marker();  // asked for too late
  }

 private:
  void open_log() {
    JobLogOptions log;
    log.folder = folder_.path();
    log.hosts = hosts_.names;
    log.metrics = request_.metrics;
    if (!launcher_.in_process()) log.metrics_file = options_.metrics_file.value_or("");  // else the console writes it
    if (request_.built_in()) {
      for (const job::MetricSpec& m : algos::find(request_.algorithm)->description().metrics)
        log.metrics.push_back({m.name, m.regex});
    }
    log_.emplace(log, console_);
  }

  // A checkpoint is of one run: another request would make this job fail when it is met.
  void check_unchanged(const std::map<std::string, std::string>& earlier, Problems& problems) const {
    const auto value = [](const std::map<std::string, std::string>& all, const std::string& name) {
      const auto found = all.find(name);
      return found == all.end() ? std::string("not given") : smtrain::quoted(found->second);
    };
    std::map<std::string, std::string> all = earlier;
    all.insert(request_.hyperparameters.begin(), request_.hyperparameters.end());
    for (const auto& [name, either] : all) {
      const std::string before = value(earlier, name), now = value(request_.hyperparameters, name);
      if (before == now) continue;
      problems.add(fmt::format("HyperParameters.{}: found {}, expected {}: {} goes on where it was stopped. Give the same, another "
                               "TrainingJobName, or --overwrite", name, now, before, request_.name));
    }
  }

  // ---- before anything is made ---------------------------------------------------------------------------------------------

  void check_shards(const Channel& channel) {
    const std::size_t entries = sources_.at(channel.name).entries.size(), hosts = hosts_.names.size();
    if (!channel.sharded || entries >= hosts || splits(channel)) return;
    const std::string what =
        fmt::format("channel {}: {} objects for {} hosts, of which some would get none", channel.name, entries, hosts);
    if (!request_.built_in()) return console_.warning("{}", what);
    throw user_error("{}; give fewer hosts, FullyReplicated, or, in File mode, --split-records", what);
  }

  bool splits(const Channel& channel) const { return options_.split_records && channel.mode != InputMode::pipe; }

  // Links within one file system take no room.
  void check_space() {
    std::uint64_t needed = 0;
    for (const Channel& c : request_.channels) {
      if (c.mode != InputMode::file || device_of_path(c.path) == device_of_path(work_)) continue;
      needed += sources_.at(c.name).bytes() * (c.sharded && !splits(c) ? 1 : hosts_.names.size());
    }
    fs::path base = work_;
    std::error_code error;
    while (!fs::exists(base, error) && base.has_relative_path()) base = base.parent_path();
    const fs::space_info space = fs::space(base, error);
    if (!error && needed > space.available) {
      throw machine_error("the input is {}, and {} has room for {}; give --workdir FOLDER, or FastFile or Pipe mode",
                          format_bytes(needed), base.string(), format_bytes(space.available));
    }
    if (request_.volume_gb) console_.info("ResourceConfig.VolumeSizeInGB has no effect on this machine");
  }

  // Reads the first records of every channel where it lies.
  void try_built_in() {
    TrainRequest dry;
    dry.algorithm = request_.algorithm;
    for (const auto& [name, value] : request_.hyperparameters) {
      if (!name.starts_with("smtrain_")) dry.hyperparameters.push_back({name, value, "HyperParameters"});
    }
    for (const Channel& c : request_.channels) {
      const Source& source = sources_.at(c.name);
      const std::string path = source.folder ? *source.folder : source.entries[0].pieces[0].path;
      if (c.name == "model") dry.start_model = source.entries[0].pieces[0].path;
      else if (!c.record_io && !path.empty())
        dry.channels.push_back({c.name, path, c.content_type, "file", "replicated", false, false});
    }
    dry.output = (fs::temp_directory_path() / "model.tar.gz").string();
    dry.common = options_.common;
    dry.arguments = options_.arguments;
    dry.dry_run = true;
    train(dry, console_);
  }

  // ---- the course of the job -------------------------------------------------------------------------------------------------

  void write_request() {
    AtomicFile file(folder_.path() / "job.json");
    file.write(request_.document);
    file.commit();
  }

  void run_attempts() {
    const auto& earlier = folder_.earlier();
    if (earlier) earlier_seconds_ = earlier->training_seconds;
    // Who starts a job again that has run out of time wants it to have more.
    const bool fresh = earlier
        && (earlier->secondary_status == "MaxRuntimeExceeded" || earlier->secondary_status == "MaxWaitTimeExceeded");
    const double allowance = static_cast<double>(request_.max_runtime) - (fresh ? 0 : earlier_seconds_);
    std::optional<double> wait;
    if (request_.max_wait) wait = static_cast<double>(*request_.max_wait);
    const Watch whole({}, 1e18, wait);
    for (std::int64_t attempt = 1;; ++attempt) {
      description_->set_attempt(attempt);
      const std::string what = attempt == 1 ? "Preparing the working tree" : fmt::format("Preparing attempt {}", attempt);
      description_->enter("InProgress", "Starting", what);
      prepare();
      std::optional<double> wait_left;
      if (wait) wait_left = *wait - whole.elapsed();
      Watch watch(folder_.marker(), allowance - trained_, wait_left);
      const Outcome outcome = train_once(watch);
      trained_ += watch.elapsed();
      description_->set_training_seconds(earlier_seconds_ + trained_);
      const bool again = request_.spot || attempt <= request_.max_retries;
      if (outcome.kind != Outcome::Kind::machine || !again) return finish(outcome);
      log_->line(0, "attempt failed: " + outcome.reason, true);
      if (request_.spot) description_->enter("InProgress", "Interrupted", outcome.reason);
      std::this_thread::sleep_for(kRestartPause);
    }
  }

  void prepare() {
    clear_work();
    description_->enter("InProgress", "Downloading", request_.channels.empty() ? "No input data" : "Linking input data");
    TreeOptions tree;
    tree.in_container = launcher_.in_container();
    tree.split_records = options_.split_records;
    for (std::size_t i = 0; i < layouts_.size(); ++i) {
      make_tree(layouts_[i], request_, hosts_, i, sources_, tree);
      launcher_.place_code(layouts_[i]);
      if (request_.checkpoint_path) restore_checkpoints(*request_.checkpoint_path, layouts_[i].local(request_.checkpoint_local));
    }
  }

  Outcome train_once(Watch& watch) {
    std::optional<CheckpointCopier> copier;
    if (request_.checkpoint_path) {
      std::vector<fs::path> folders;
      for (const contract::Layout& layout : layouts_) folders.push_back(layout.local(request_.checkpoint_local));
      std::sort(folders.begin(), folders.end());
      folders.erase(std::unique(folders.begin(), folders.end()), folders.end());
      copier.emplace(folders, *request_.checkpoint_path, console_);
    }
    described_ = 0;
    description_->training_started();
    description_->enter("InProgress", "Training", "Training in progress");
    AttemptPlan plan;
    plan.request = &request_;
    plan.launcher = &launcher_;
    plan.hosts = &hosts_;
    plan.sources = &sources_;
    plan.layouts = layouts_;
    plan.settings = {options_.common, options_.grace, options_.checkpoint_every};
    plan.arguments = options_.arguments;
    plan.on_stop = [&](StopCause cause) { stopping(cause); };
    plan.tick = [&] { describe_sometimes(watch); };
    const Outcome outcome = run_attempt(plan, watch, *log_, console_);
    if (copier) copier->finish();
    return outcome;
  }

  void stopping(StopCause cause) {
    cause_ = cause;
    const char* const limit = cause == StopCause::max_runtime ? "MaxRuntimeInSeconds is over" : "MaxWaitTimeInSeconds is over";
    const char* const message = cause == StopCause::request ? "Stopping the training job" : limit;
    console_.info("{}: SIGTERM, then SIGKILL after {} s", message, options_.grace);
    describe([&] { description_->enter("Stopping", "Stopping", message); });
  }

  // A description that cannot be written for a while is no reason to lose what the program has done, nor to let it run on.
  template <class F>
  void describe(F&& write) {
    try {
      write();
    } catch (const Error& e) {
      if (!warned_) console_.warning("{}", e.what());
      warned_ = true;
    }
  }

  void describe_sometimes(const Watch& watch) {
    if (watch.elapsed() - described_ < kDescribeEvery) return;
    described_ = watch.elapsed();
    description_->set_metrics(log_->final_metrics());
    description_->set_training_seconds(earlier_seconds_ + trained_ + watch.elapsed());
    describe([&] { description_->write(); });
  }

  void finish(const Outcome& outcome) {
    const bool failed = outcome.kind == Outcome::Kind::failed || outcome.kind == Outcome::Kind::machine;
    const bool stopped = outcome.kind == Outcome::Kind::stopped;
    description_->set_metrics(log_->final_metrics());
    description_->enter(stopped ? "Stopping" : "InProgress", "Uploading", "Writing the model artifact");
    upload(failed);
    if (failed) return fail(outcome);
    if (stopped) return stop();
    description_->enter("Completed", "Completed", "Training job completed");
    clear_work();
    if (options_.depfile) write_depfile(*options_.depfile, model_, inputs());
    console_.info("wrote {}", model_);
  }

  void upload(bool failed) {
    std::vector<fs::path> models, data;
    for (const contract::Layout& layout : layouts_) {
      models.push_back(layout.model());
      data.push_back(layout.output_data());
    }
    const fs::path output = folder_.path() / "output";
    model_ = collect(models, output, "model", "model", request_.compressed, !failed, console_);
    collect(data, output, "output", "data", request_.compressed, false, console_);
    if (!model_.empty()) description_->set_model(formats::file_uri(model_));
  }

  void fail(const Outcome& outcome) {
    description_->set_failure(outcome.reason);
    description_->enter("Failed", "Failed", outcome.reason);
    finished_ = true;
    std::vector<std::string> problems = outcome.problems;
    console_.info("the log is in {}, the tree in {}", (folder_.path() / "logs").string(), work_.string());
    throw Error(outcome.fault, problems);
  }

  void stop() {
    const bool can_go_on = request_.checkpoint_path && has_checkpoint(*request_.checkpoint_path);
    description_->set_resumable(can_go_on);
    description_->enter("Stopped", secondary_status(cause_), can_go_on ? "Stopped with a checkpoint" : "Stopped");
    finished_ = true;
    clear_work();
    if (can_go_on)
      throw Error(Fault::stopped, fmt::format("stopped: {} with a checkpoint; the same command goes on", request_.name));
    const std::string saved = model_.empty() ? "the program had saved no model" : model_
        + " holds what the program had saved by then";
    throw Error(Fault::interrupted, {fmt::format("stopped: {}; {}", request_.name, saved)}, SIGTERM);
  }

  // Something went wrong around the program: the tree, the artifacts, the disk.
  void end_by(const Error& error) {
    if (finished_) return;
    try {
      const bool stopped = error.fault() == Fault::interrupted || error.fault() == Fault::stopped;
      const std::string text = join(error.problems(), "\n");
      if (!stopped) description_->set_failure((error.fault() == Fault::user ? "ClientError: " : "InternalServerError: ") + text);
      description_->enter(stopped ? "Stopped" : "Failed", stopped ? "Stopped" : "Failed", text);
    } catch (const Error&) {
      // The first error is the one to tell; a disk that is full keeps the description from being written, too.
    }
  }

  void clear_work() {
    std::error_code error;
    for (const contract::Layout& layout : layouts_) fs::remove_all(layout.root(), error);
    fs::remove(work_, error);
  }

  std::vector<std::string> inputs() const {
    std::vector<std::string> files = {options_.job_file};
    for (const auto& [name, source] : sources_) {
      for (const Entry& e : source.entries) {
        for (const Piece& p : e.pieces) {
          if (!p.path.empty()) files.push_back(p.path);
        }
      }
    }
    return files;
  }

  const TrainingJobRequest& request_;
  const JobOptions& options_;
  Console& console_;
  const Hosts hosts_;
  const Launcher launcher_;
  JobFolder folder_;
  const fs::path work_;
  std::vector<contract::Layout> layouts_;
  Sources sources_;
  std::optional<JobLog> log_;
  std::optional<Description> description_;
  std::atomic<StopCause> cause_{StopCause::none};
  double earlier_seconds_ = 0, trained_ = 0, described_ = 0;
  std::string model_;
  bool finished_ = false, warned_ = false;
};

}  // namespace

void run_training_job(const TrainingJobRequest& request, const JobOptions& options, Console& console) {
  Runner runner(request, options, console);
  runner.check();
  if (options.dry_run) return console.info("dry run: everything checked, nothing made");
  runner.run();
}

void stop_training_job(const std::string& folder, Log& log) {
  const std::optional<Earlier> job = read_description(folder);
  if (!job) throw user_error("{}: holds no description.json; expected the folder of a training job", folder);
  if (job->status != "InProgress" && job->status != "Stopping") {
    return log.info("{}: this job is {}, there is nothing to stop", folder, job->status);
  }
  AtomicFile marker(fs::path(folder) / "stop");
  marker.commit();
  log.info("{}: asked to stop", folder);
}

}  // namespace smtrain::run::training_job
