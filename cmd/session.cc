#include "session.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <functional>

#include "algos/registry.h"

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

namespace smtrain::cmd {
namespace {

/// Runs `body`; adds the problems it throws as the user's fault to `problems`.
void collect(std::vector<std::string>& problems, const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& e) {
    if (e.fault() != Fault::user) throw;
    problems.insert(problems.end(), e.problems().begin(), e.problems().end());
  }
}

bool is_setting(const run::Subcommand& command, const std::string& name) {
  auto names_it = [&](const run::Flag& flag) { return flag.setting && flag.name == name; };
  return std::any_of(command.flags.begin(), command.flags.end(), names_it) ||
         std::any_of(run::common_flags().begin(), run::common_flags().end(), names_it);
}

/// Writing --metrics or --depfile over what is read would destroy it before any other check could speak.
void check_side_outputs(CommandLine& line) {
  if (!line.command) return;
  for (const char* output : {"metrics", "depfile"}) {
    const std::optional<std::string> path = line.text(output);
    for (const run::Flag& flag : line.command->flags) {
      const std::optional<std::string> other = line.text(flag.name);
      if (!path || !other || flag.name == output || flag.value != run::FlagValue::path) continue;
      if (*path == *other || same_file(*path, *other))
        line.problems.push_back(fmt::format("--{} {} is the file of --{}; give another", output, smtrain::quoted(*path), flag.name));
    }
  }
}

bool is_true(const std::string& text) { return !text.empty() && text != "0" && text != "false" && text != "off"; }

}  // namespace

Session::Session(CommandLine& line, bool computes, run::Ranks& ranks, run::contract::Guest* guest)
    : line_(line), ranks_(ranks), guest_(guest) {
  for (const auto& [name, texts] : line_.values)
    if (line_.command && is_setting(*line_.command, name)) flags_[name] = texts[0].empty() ? "true" : texts[0];
  check_side_outputs(line_);
  if (computes) read_layers();
  console_ = run::make_console(console_options());
  for (const auto& [level, text] : early_.lines) console_->write(level, text);
}

void Session::read_layers() {
  read_hyperparameters();
  collect(line_.problems, [&] { environment_ = run::environment_settings(early_); });
  collect(line_.problems, [&] { config_ = run::read_user_config(); });
}

void Session::read_hyperparameters() {
  const std::optional<std::string> path = line_.text("hyperparameters");
  if (guest_) {
    collect(line_.problems, [&] { guest_->read(early_); });
    file_ = guest_->hyperparameters();
  } else if (path) {
    collect(line_.problems, [&] { file_ = job::read_hyperparameters_file(*path); });
  }
  collect(line_.problems, [&] { job_file_ = run::take_settings(file_); });
  // A hyperparameter that bears a setting's name sets both, as on the command line.
  for (const job::Given& given : file_)
    if (is_setting(*line_.command, given.name)) job_file_.emplace(given.name, given.text);
}

std::string Session::algorithm() const {
  if (line_.command->algorithm) return line_.command->algorithm->description().name;
  const char* variable = std::getenv("SMTRAIN_ALGORITHM");
  const auto named = job_file_.find("algorithm");
  return run::contract::choose_algorithm(variable && *variable ? std::optional<std::string>(variable) : std::nullopt,
                                         named == job_file_.end() ? std::nullopt : std::optional(named->second), line_.program);
}

/// As the service's log names the algorithm; empty where that is not known, which train() reports.
std::string Session::log_name() const {
  if (!guest_ && !(line_.command && line_.command->algorithm)) return "";
  try {
    return algos::find(algorithm())->description().log_name;
  } catch (const Error&) {
    return "";
  }
}

std::string Session::setting(const std::string& name) const {
  return run::setting(name, flags_, environment_, job_file_, config_).value;
}

run::ConsoleOptions Session::console_options() {
  run::ConsoleOptions options;
  if (line_.has("quiet") && line_.has("verbose")) line_.problems.push_back("--quiet and --verbose exclude each other");
  options.quiet = line_.has("quiet") || (!line_.has("verbose") && is_true(setting("quiet")));
  options.verbose = !options.quiet && (line_.has("verbose") || is_true(setting("verbose")));
  const std::string format = setting("log-format");
  const bool automatic = format.empty() || format == "auto";
  if (format == "json") options.format = run::LogFormat::json;
  else if (format == "sagemaker" || (automatic && guest_)) options.format = run::LogFormat::sagemaker;
  else if (!automatic && format != "text" && !line_.has("log-format"))
    line_.problems.push_back("log-format is " + smtrain::quoted(format) + "; expected one of auto, text, json, sagemaker");
  const bool no_color = line_.has("no-color") || is_true(setting("no-color"));
  options.color_out = run::wants_color(STDOUT_FILENO, no_color);
  options.color_err = run::wants_color(STDERR_FILENO, no_color);
  options.mute = !ranks_.tells();
  options.progress_bar = !options.mute && isatty(STDERR_FILENO) == 1 && !options.quiet && options.format == run::LogFormat::text;
  options.algorithm_log_name = log_name();
  if (guest_) options.host = guest_->resources().current_host;
  if (!line_.has("dry-run")) options.metrics_file = line_.text("metrics").value_or("");
  return options;
}

run::CommonSettings Session::common() {
  run::CommonSettings settings;
  ranks_.connect(console());
  collect(line_.problems, [&] {
    settings = run::common_settings(flags_, environment_, job_file_, config_, console(), ranks_.available());
  });
  throw_problems();
  return settings;
}

void Session::throw_problems() const {
  if (!line_.problems.empty()) throw Error(Fault::user, line_.problems);
}

}  // namespace smtrain::cmd
