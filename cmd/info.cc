#include "commands.h"

namespace smtrain::cmd {

void info(CommandLine& line, Session& session) {
  run::info(line.has("json"), session.common(), session.console());
}

}  // namespace smtrain::cmd
