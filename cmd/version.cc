#include "commands.h"
#include "run/build_info.h"

namespace smtrain::cmd {

void version(CommandLine&, Session& session) { session.console().print("smtrain " + run::version() + "\n"); }

}  // namespace smtrain::cmd
