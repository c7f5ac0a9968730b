#include "base/error.h"
#include "run/tools/data_summary.h"
#include "run/tools/model_summary.h"
#include "run/requests.h"

namespace smtrain::run {
namespace {

void inspect_model(const InspectRequest& request, Console& console) {
  const ModelSummary summary = summarize_model(request.path);
  console.print(request.json ? model_json(summary, request.tensors) : model_text(summary));
  if (!summary.problem.empty()) throw user_error("{}: {}", request.path, summary.problem);
}

void inspect_data(const InspectRequest& request, Console& console) {
  const DataSummary summary = summarize_data(request, console);
  console.print(request.json ? data_json(summary) : data_text(summary));
  // What was found is the answer all the same; the exit code says that there is something.
  if (!summary.scan.problems.empty()) throw Error(Fault::user, summary.scan.problems);
}

}  // namespace

void inspect(const InspectRequest& request, Console& console) {
  if (!request.content_type && looks_like_model(request.path)) inspect_model(request, console);
  else inspect_data(request, console);
}

}  // namespace smtrain::run
