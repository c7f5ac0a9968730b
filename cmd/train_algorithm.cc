#include "channel_flags.h"
#include "commands.h"
#include "durations.h"

namespace smtrain::cmd {
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
