#include "commands.h"

namespace smtrain::cmd {

void inspect(CommandLine& line, Session& session) {
  session.throw_problems();
  run::InspectRequest request;
  request.path = line.positionals[0];
  request.as = line.text("as");
  request.content_type = line.text("content-type");
  request.json = line.has("json");
  request.full = line.has("full");
  request.label = line.text("label");
  request.tensors = line.has("tensors");
  request.common = session.common();
  run::inspect(request, session.console());
}

}  // namespace smtrain::cmd
