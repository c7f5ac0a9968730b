#include "commands.h"
#include "run/describe/describe.h"

namespace smtrain::cmd {

void algorithms(CommandLine& line, Session& session) {
  const std::string task = line.text("task").value_or(""), data = line.text("data").value_or("");
  session.console().print(line.has("json") ? run::algorithms_json(task, data) : run::algorithms_table(task, data));
}

}  // namespace smtrain::cmd
