#include "base/error.h"
#include "run/inspect/data_summary.h"
#include "run/inspect/model_summary.h"
#include "run/inspect/summarize.h"
#include "run/inspect/summarize_columns.h"
#include "run/requests.h"

namespace smtrain::run {
namespace {

void inspect_model(const InspectRequest& request, Console& console) {
  const ModelSummary summary = summarize_model(request.path);
  console.print(request.json ? model_json(summary, request.tensors) : model_text(summary));
  if (!summary.problem.empty()) throw user_error("{}: {}", request.path, summary.problem);
}

// What was found is the answer all the same, with all its problems; the exit code and the first of them say that there is something.
[[noreturn]] void refuse(const std::vector<std::string>& problems) {
  if (problems.size() == 1) throw user_error("{}", problems.front());
  throw user_error("{}; and {} more, as the answer lists them", problems.front(), problems.size() - 1);
}

void inspect_data(const InspectRequest& request, Console& console) {
  const DataSummary summary = summarize_data(request, console);
  console.print(request.json ? data_json(summary) : data_text(summary));
  if (!summary.scan.problems.empty()) refuse(summary.scan.problems);
}

void print(const RecordSummary& summary, const InspectRequest& request, Console& console) {
  console.print(request.json ? records_json(summary) : records_text(summary));
  if (!summary.problems.empty()) refuse(summary.problems);
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
  else if (kind == DataKind::table && has_text_columns(request)) print(summarize_columns(request), request, console);
  else if (kind == DataKind::table || kind == DataKind::counts) inspect_data(request, console);
  else print(summarize_records(request, kind, console), request, console);
}

}  // namespace smtrain::run
