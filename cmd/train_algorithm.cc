#include <fmt/format.h>

#include "base/text.h"
#include "channel_flags.h"
#include "commands.h"

namespace smtrain::cmd {
namespace {

std::optional<double> duration_of(CommandLine& line, const std::string& flag) {
  const std::optional<std::string> text = line.text(flag);
  if (!text) return std::nullopt;
  const std::optional<double> seconds = parse_duration(*text);
  if (!seconds) {
    line.problems.push_back(fmt::format("--{} is {}; expected a duration such as 90s, 15m or 1h30m", flag, smtrain::quoted(*text)));
  }
  return seconds;
}

}  // namespace

void train_algorithm(CommandLine& line, Session& session) {
  run::TrainRequest request;
  request.algorithm = line.command->algorithm->description().name;
  request.channels = channels_of(line, line.problems);
  request.output = line.text("output").value_or("");
  request.input_mode = line.text("input-mode").value_or(request.input_mode);
  request.start_model = line.text("model");
  request.hyperparameters = line.hyperparameters;
  const std::vector<job::Given>& file = session.file_hyperparameters();
  request.hyperparameters.insert(request.hyperparameters.end(), file.begin(), file.end());
  request.metrics_file = line.text("metrics");
  request.depfile = line.text("depfile");
  if (std::optional<std::string> path = line.text("hyperparameters")) request.other_inputs.push_back(*path);
  request.arguments = line.arguments;
  request.dry_run = line.has("dry-run");
  request.checkpoint_dir = line.text("checkpoint-dir");
  request.checkpoint_every = duration_of(line, "checkpoint-every");
  request.max_runtime = duration_of(line, "max-runtime");
  request.common = session.common();
  request.workers = session.ranks().communicator();
  run::train(request, session.console());
}

}  // namespace smtrain::cmd
