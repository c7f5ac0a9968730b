#include "commands.h"

namespace smtrain::cmd {

void version(CommandLine&, Session& session) { session.console().print("smtrain " SMTRAIN_VERSION "\n"); }

}  // namespace smtrain::cmd
