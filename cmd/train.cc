#include <fmt/format.h>

#include <cstdlib>

#include "base/text.h"
#include "commands.h"
#include "durations.h"

namespace smtrain::cmd {
namespace {

std::optional<std::string> variable(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr || *text == '\0' ? std::nullopt : std::optional<std::string>(text);
}

}  // namespace

void train(CommandLine& line, Session& session) {
  check_train_flags(line);
  if (is_host(line)) return train_job(line, session);
  run::contract::reap_orphans();
  const double grace = grace_of(line);
  const std::optional<double> checkpoint_every = duration_of(line, "checkpoint-every");
  session.throw_problems();
  const run::contract::Guest& guest = *session.guest();
  run::TrainRequest request = guest.request(session.algorithm());
  request.hyperparameters = session.file_hyperparameters();
  request.arguments = line.arguments;
  request.grace = grace;
  request.checkpoint_every = checkpoint_every;
  request.dry_run = line.has("dry-run");
  request.common = session.common();
  request.workers = session.ranks().communicator();
  if (const auto name = variable("TRAINING_JOB_NAME")) session.console().detail("training job: {}", *name);
  session.console().detail("host {} of {}", guest.resources().current_host, join(guest.resources().hosts, ", "));
  run::train(request, session.console());
}

}  // namespace smtrain::cmd
