#include <fmt/format.h>

#include <cstdlib>

#include "base/text.h"
#include "commands.h"

namespace smtrain::cmd {
namespace {

std::optional<std::string> variable(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr || *text == '\0' ? std::nullopt : std::optional<std::string>(text);
}

}  // namespace

double grace_of(CommandLine& line) {
  const std::optional<std::string> flag = line.text("grace"), text = flag ? flag : variable("SMTRAIN_GRACE");
  const std::optional<double> seconds = text ? parse_duration(*text) : 120.0;
  if (!seconds) {
    line.problems.push_back(fmt::format("{} is {}; expected a duration such as 30s or 2m", flag ? "--grace" : "SMTRAIN_GRACE",
                                        smtrain::quoted(*text)));
  }
  return seconds.value_or(0);
}

void train(CommandLine& line, Session& session) {
  check_train_flags(line);
  if (is_host(line)) return train_job(line, session);
  run::contract::reap_orphans();
  const double seconds = grace_of(line);
  session.throw_problems();
  const run::contract::Guest& guest = *session.guest();
  run::TrainRequest request = guest.request(session.algorithm());
  request.hyperparameters = session.file_hyperparameters();
  request.arguments = line.arguments;
  request.grace = seconds;
  request.dry_run = line.has("dry-run");
  request.common = session.common();
  request.workers = session.ranks().communicator();
  if (const auto name = variable("TRAINING_JOB_NAME")) session.console().detail("training job: {}", *name);
  session.console().detail("host {} of {}", guest.resources().current_host, join(guest.resources().hosts, ", "));
  run::train(request, session.console());
}

}  // namespace smtrain::cmd
