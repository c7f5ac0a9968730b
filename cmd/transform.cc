#include "commands.h"

namespace smtrain::cmd {

void transform(CommandLine& line, Session& session) {
  run::TransformRequest request;
  request.model = line.text("model").value_or("");
  request.input = line.text("input").value_or("");
  request.output = line.text("output").value_or("");
  request.content_type = line.text("content-type");
  request.accept = line.text("accept");
  request.columns = line.text("columns");
  request.top = line.text("top");
  request.candidates = line.text("candidates");
  request.update = line.has("update");
  request.updated_model = line.text("updated-model");
  request.depfile = line.text("depfile");
  request.common = session.common();
  run::transform(request, session.console());
}

}  // namespace smtrain::cmd
