#include "commands.h"
#include "run/describe/describe.h"

namespace smtrain::cmd {

void completion(CommandLine& line, Session& session) {
  session.console().print(run::completion_script(line.positionals[0]));
}

}  // namespace smtrain::cmd
