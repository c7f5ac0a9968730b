#include "base/error.h"
#include "run/inspect/data_summary.h"
#include "run/inspect/model_summary.h"
#include "run/inspect/summarize.h"
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

void inspect_records(const InspectRequest& request, DataKind kind, Console& console) {
  const RecordSummary summary = summarize_records(request, kind, console);
  console.print(request.json ? records_json(summary) : records_text(summary));
  if (!summary.problems.empty()) throw Error(Fault::user, summary.problems);
}

DataKind kind_of(const InspectRequest& request) {
  ConvertRequest same;
  same.input = request.path;
  same.from = request.as;
  same.content_type = request.content_type;
  return input_kind(same);
}

}  // namespace

void inspect(const InspectRequest& request, Console& console) {
  const DataKind kind = kind_of(request);
  if (kind == DataKind::model) inspect_model(request, console);
  else if (kind == DataKind::table || kind == DataKind::counts) inspect_data(request, console);
  else inspect_records(request, kind, console);
}

}  // namespace smtrain::run
