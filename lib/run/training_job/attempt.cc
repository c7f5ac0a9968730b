#include "run/training_job/attempt.h"

#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "algos/registry.h"
#include "base/file.h"
#include "base/signals.h"
#include "base/text.h"
#include "run/contract/failure.h"
#include "run/contract/guest.h"
#include "run/flags/settings.h"

namespace smtrain::run::training_job {
namespace {

namespace fs = std::filesystem;

constexpr auto kPoll = std::chrono::milliseconds(10);
constexpr double kMarkerPoll = 0.25;  // seconds; the marker may lie on a shared file system
constexpr double kPeerGrace = 10;     // for the other hosts of a job that fails

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// ---- what an end means ------------------------------------------------------------------------------------------------------

Outcome failed(Outcome::Kind kind, Fault fault, std::string reason, std::vector<std::string> problems) {
  return {kind, contract::first_characters(reason), fault, std::move(problems)};
}

Outcome outcome_of(const Error& error) {
  const std::string text = join(error.problems(), "\n");
  switch (error.fault()) {
    case Fault::user: return failed(Outcome::Kind::failed, Fault::user, "ClientError: " + text + ", exit code: 2",
                                    error.problems());
    case Fault::machine: return failed(Outcome::Kind::machine, Fault::machine, "InternalServerError: " + text + ", exit code: 1",
                                       error.problems());
    case Fault::internal:
      return failed(Outcome::Kind::failed, Fault::internal, "AlgorithmError: Internal error: " + text + ", exit code: 1",
                    error.problems());
    case Fault::stopped:
    case Fault::interrupted: break;
  }
  return {Outcome::Kind::stopped, "", Fault::interrupted, {}};
}

// 1024 characters are what is shown; text beyond is not even read.
std::string failure_text(const AttemptPlan& plan, std::size_t host) {
  std::error_code ignored;
  for (std::size_t i = 0; i < plan.layouts.size(); ++i) {
    const fs::path path = plan.layouts[(host + i) % plan.layouts.size()].failure();
    if (!fs::is_regular_file(path, ignored)) continue;
    std::string text(4 * contract::kMaxFailureCharacters, '\0');
    const UniqueFd file = open_for_reading(path);
    text.resize(read_fully(file.get(), text, path.string()));
    text = contract::first_characters(trim(text));
    if (!text.empty()) return text;
  }
  return "";
}

std::string script_failure(const AttemptPlan& plan, std::size_t host, int code, const JobLog& log) {
  const Program program = plan.launcher->program(*plan.hosts, host, plan.layouts, plan.settings);
  return fmt::format("ExecuteUserScriptError:\nExitCode {}\nErrorMessage \"{}\"\nCommand \"{}\"", code,
                     join(log.last_lines(host), "\n"), join(program.arguments, " "));
}

Outcome outcome_of_exit(const AttemptPlan& plan, std::size_t host, int code, const JobLog& log) {
  if (code == 0) return {};
  std::string text = failure_text(plan, host);
  if (text.empty() && plan.launcher->is_script()) text = script_failure(plan, host, code, log);
  const bool built_in = plan.request->built_in();
  const bool machine = code == 128 + SIGKILL || code == 128 + SIGTERM || (built_in && code == 1);
  if (built_in && text.starts_with(contract::kInternal)) text.erase(0, contract::kInternal.size());
  const char* const prefix = machine ? "InternalServerError: " : built_in && code == 2 ? "ClientError: " : "AlgorithmError: ";
  const std::string annotation = code == 128 + SIGKILL ? " (killed; out of memory, perhaps)" : "";
  // The end is what tells how it ended, so a long text gives way.
  const std::string tail = fmt::format(", exit code: {}{}", code, annotation);
  const std::string reason = contract::first_characters(prefix + text, contract::kMaxFailureCharacters - tail.size()) + tail;
  const std::string who = plan.hosts->names.size() > 1 ? plan.hosts->names[host] + ": " : "";
  const Fault fault = machine ? Fault::machine : built_in && code != 2 ? Fault::internal : Fault::user;
  return failed(machine ? Outcome::Kind::machine : Outcome::Kind::failed, fault, reason, {who + reason});
}

// ---- a built-in in this process ----------------------------------------------------------------------------------------------

TrainRequest built_in_request(const AttemptPlan& plan, Console& console) {
  contract::Guest guest(plan.layouts.front());
  guest.read(console);
  TrainRequest request = guest.request(plan.request->algorithm);
  request.hyperparameters = guest.hyperparameters();
  take_settings(request.hyperparameters);
  request.common = plan.settings.common;
  if (const auto folder = contract::read_checkpoint_folder(plan.layouts.front())) request.checkpoint_dir = folder->string();
  request.checkpoint_every = plan.settings.checkpoint_every;
  request.checkpoint_temporary_suffix = ".sagemaker-ignore";
  request.model_on_stop = true;
  request.grace = plan.settings.grace;
  request.arguments = plan.arguments;
  return request;
}

// Turns what the watch and the feeders say into a stop of the training in this process.
class Stopper {
 public:
  Stopper(const AttemptPlan& plan, Watch& watch, const std::vector<std::unique_ptr<Feeder>>& feeders)
      : plan_(plan), watch_(watch), feeders_(feeders), thread_([this] { run(); }) {}
  ~Stopper() { end(); }
  void end() {
    done_ = true;
    if (thread_.joinable()) thread_.join();
  }
  StopCause cause() const { return cause_; }
  /// Throws what a feeder gave up for.
  void check() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void run() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    while (!done_) {
      std::this_thread::sleep_for(kPoll * 5);
      plan_.tick();
      const StopCause due = watch_.due();
      if (due != StopCause::none && cause_ == StopCause::none) {
        cause_ = due;
        plan_.on_stop(due);
        request_stop(SIGTERM);
      }
      try {
        for (const auto& feeder : feeders_) feeder->check();
      } catch (...) {
        failure_ = std::current_exception();
        request_stop(SIGTERM);
        return;
      }
    }
  }

  const AttemptPlan& plan_;
  Watch& watch_;
  const std::vector<std::unique_ptr<Feeder>>& feeders_;
  std::atomic<bool> done_{false};
  std::atomic<StopCause> cause_{StopCause::none};
  std::exception_ptr failure_;
  std::thread thread_;
};

Outcome run_in_process(const AttemptPlan& plan, Watch& watch, const std::vector<std::unique_ptr<Feeder>>& feeders, JobLog& log,
                       Console& console) {
  const job::Description& algorithm = algos::find(plan.request->algorithm)->description();
  const auto own = make_job_console(console, log, plan.hosts->names.front(), algorithm.log_name);
  Stopper stopper(plan, watch, feeders);
  Outcome outcome;
  try {
    train(built_in_request(plan, *own), *own);
  } catch (const Error& e) {
    outcome = outcome_of(e);
  } catch (const std::bad_alloc&) {
    outcome = outcome_of(machine_error("out of memory; give a smaller --memory-limit, or more memory"));
  }
  stopper.end();
  try {
    stopper.check();
  } catch (const Error& e) {
    outcome = outcome_of(e);
  }
  if (stopper.cause() != StopCause::none && outcome.kind == Outcome::Kind::completed) outcome.kind = Outcome::Kind::stopped;
  for (const std::string& problem : outcome.problems) log.line(0, "ERROR " + problem, false);
  request_stop(0);  // the stop has been obeyed; what follows is to be done whole
  return outcome;
}

// ---- programs ------------------------------------------------------------------------------------------------------------------

class Group {
 public:
  Group(const AttemptPlan& plan, JobLog& log) : plan_(plan), log_(log) {
    for (const std::size_t host : plan.launcher->starting_hosts(*plan.hosts)) {
      const Program program = plan.launcher->program(*plan.hosts, host, plan.layouts, plan.settings);
      announce(program, host);
      members_.push_back({host,
          std::make_unique<Process>(program, [&log, host](std::string_view line) { log.line(host, line, true); }), {}});
    }
  }
  void terminate() {
    for (Member& m : members_) m.process->terminate();
  }
  void kill() {
    for (Member& m : members_) m.process->kill();
  }
  /// Looks at all; the first to fail tells how the job ended.
  void poll() {
    for (Member& m : members_) {
      if (m.code) continue;
      m.code = m.process->poll();
      if (m.code && *m.code != 0 && !failed_) failed_ = std::pair(m.host, *m.code);
    }
  }
  bool ended() const {
    return std::all_of(members_.begin(), members_.end(), [](const Member& m) { return m.code.has_value(); });
  }
  const std::optional<std::pair<std::size_t, int>>& failed() const { return failed_; }

 private:
  struct Member {
    std::size_t host;
    std::unique_ptr<Process> process;
    std::optional<int> code;
  };
  void announce(const Program& program, std::size_t host) {
    if (!plan_.launcher->is_script()) return;
    log_.line(host, "Training Env:", false);
    log_.line(host, program.environment.at("SM_TRAINING_ENV"), false);
    log_.line(host, "Environment variables:", false);
    for (const auto& [name, value] : program.environment) {
      if (name.starts_with("SM_") && name != "SM_TRAINING_ENV") log_.line(host, name + "=" + value, false);
    }
    log_.line(host, "Invoking script with the following command:", false);
    log_.line(host, join(program.arguments, " "), false);
  }

  const AttemptPlan& plan_;
  JobLog& log_;
  std::vector<Member> members_;
  std::optional<std::pair<std::size_t, int>> failed_;
};

// Between SIGTERM and SIGKILL; both are sent once.
class Ending {
 public:
  bool begun() const { return deadline_.has_value(); }
  void begin(Group& group, double grace) {
    if (begun()) return;
    group.terminate();
    deadline_ = now() + grace;
  }
  void poll(Group& group) {
    if (!begun() || killed_ || now() < *deadline_) return;
    group.kill();
    killed_ = true;
  }

 private:
  std::optional<double> deadline_;
  bool killed_ = false;
};

Outcome run_programs(const AttemptPlan& plan, Watch& watch, const std::vector<std::unique_ptr<Feeder>>& feeders, JobLog& log) {
  Group group(plan, log);
  Ending ending;
  StopCause cause = StopCause::none;
  std::optional<Error> feeder_failure;
  while (group.poll(), !group.ended()) {
    plan.tick();
    if (cause == StopCause::none && !group.failed() && !feeder_failure && (cause = watch.due()) != StopCause::none) {
      plan.on_stop(cause);
      ending.begin(group, plan.settings.grace);
    }
    if (group.failed()) ending.begin(group, kPeerGrace);
    try {
      for (const auto& feeder : feeders) feeder->check();
    } catch (const Error& e) {
      if (!feeder_failure) feeder_failure = e;
      ending.begin(group, kPeerGrace);
    }
    ending.poll(group);
    std::this_thread::sleep_for(kPoll);
  }
  if (cause != StopCause::none) {
    request_stop(0);
    return {Outcome::Kind::stopped, "", Fault::interrupted, {}};
  }
  if (feeder_failure) return outcome_of(*feeder_failure);
  if (!group.failed()) return {};
  return outcome_of_exit(plan, group.failed()->first, group.failed()->second, log);
}

}  // namespace

Watch::Watch(fs::path marker, double runtime_left, std::optional<double> wait_left)
    : marker_(std::move(marker)), start_(now()), runtime_left_(runtime_left), wait_left_(wait_left) {}

double Watch::elapsed() const { return now() - start_; }

StopCause Watch::due() {
  StopCause found = StopCause::none;
  if (stop_signal() != 0) found = StopCause::request;
  else if (elapsed() >= runtime_left_) found = StopCause::max_runtime;
  else if (wait_left_ && elapsed() >= *wait_left_) found = StopCause::max_wait;
  else if (marker_seen()) found = StopCause::request;
  if (cause_ == StopCause::none) cause_ = found;
  return cause_;
}

bool Watch::marker_seen() {
  const double time = now();
  if (time < next_look_) return false;
  next_look_ = time + kMarkerPoll;
  std::error_code ignored;
  return fs::exists(marker_, ignored);
}

Outcome run_attempt(const AttemptPlan& plan, Watch& watch, JobLog& log, Console& console) {
  std::vector<std::unique_ptr<Feeder>> feeders;
  for (std::size_t i = 0; i < plan.layouts.size(); ++i) {
    for (auto& feeder : start_feeders(plan.layouts[i], *plan.request, *plan.hosts, i, *plan.sources))
      feeders.push_back(std::move(feeder));
  }
  if (plan.launcher->in_process()) return run_in_process(plan, watch, feeders, log, console);
  Outcome outcome;
  try {
    outcome = run_programs(plan, watch, feeders, log);
  } catch (const Error& e) {  // a program that cannot be started
    outcome = outcome_of(e);
  }
  end_orphans();
  return outcome;
}

}  // namespace smtrain::run::training_job
