#include "commands.h"

namespace smtrain::cmd {

void convert(CommandLine& line, Session& session) {
  session.throw_problems();
  run::ConvertRequest request;
  request.input = line.positionals[0];
  request.output = line.positionals[1];
  request.content_type = line.text("content-type");
  request.from = line.text("from");
  request.to = line.text("to");
  request.recordio_split = line.has("recordio-split");
  request.depfile = line.text("depfile");
  request.common = session.common();
  run::convert(request, session.console());
}

}  // namespace smtrain::cmd
