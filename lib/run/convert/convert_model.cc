#include "run/convert/convert_model.h"

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "formats/table_sink.h"
#include "run/depfile.h"
#include "run/input_type.h"
#include "run/inspect/model_summary.h"
#include "run/model_input.h"

namespace smtrain::run {
namespace {

using Tensors = std::vector<formats::NamedTensor>;

std::string listed(const Tensors& tensors) {
  std::string text;
  for (const formats::NamedTensor& t : tensors) {
    std::string shape;
    for (const std::uint64_t n : t.shape) shape += (shape.empty() ? "" : " x ") + std::to_string(n);
    text += (text.empty() ? "" : ", ") + fmt::format("{} ({})", t.name, shape);
  }
  return text.empty() ? "no tensors" : text;
}

const formats::NamedTensor& named(const Tensors& tensors, const std::string& name, const std::string& path) {
  for (const formats::NamedTensor& tensor : tensors) {
    if (tensor.name == name) return tensor;
  }
  throw user_error("{}: has no tensor {}; there are: {}", path, smtrain::quoted(name), listed(tensors));
}

const formats::NamedTensor& only_matrix(const Tensors& tensors, const std::string& path) {
  const auto is_matrix = [](const formats::NamedTensor& t) { return t.shape.size() == 2; };
  if (std::count_if(tensors.begin(), tensors.end(), is_matrix) != 1) {
    throw user_error("{}: has not one matrix but {}; name one, for example --to \"text/csv;tensor=NAME\"", path, listed(tensors));
  }
  return *std::find_if(tensors.begin(), tensors.end(), is_matrix);
}

// The rows of a vector are its numbers.
formats::Batch batch_of(const formats::NamedTensor& tensor, const std::string& path) {
  if (tensor.shape.empty() || tensor.shape.size() > 2) {
    throw user_error("{}: tensor {} has {} dimensions; a table holds one or two", path, smtrain::quoted(tensor.name), tensor.shape.size());
  }
  const std::vector<double> numbers = numbers_of(tensor);
  const auto values = std::make_shared<std::vector<float>>(numbers.begin(), numbers.end());
  formats::Batch batch;
  batch.rows = tensor.shape[0];
  batch.cols = batch.ld = tensor.shape.size() == 2 ? tensor.shape[1] : 1;
  batch.dense = values->data();
  batch.owner = values;
  return batch;
}

// In CSV as a header, unless none is wanted.
void add_names(const job::Coefficients& coefficients, formats::TableWriterOptions& options) {
  options.column_names = coefficients.columns;
  if (options.type.format == formats::Format::csv) options.type.parameters.emplace("header", "true");
}

// A model that has a form of its own for other programs is written so, unless a table of some tensor is asked for.
bool convert_to_json(const ConvertRequest& request, Console& console) {
  if (request.to || !request.output.ends_with(".json")) return false;
  const job::Model model = job::read_model(request.input);
  const job::Algorithm* algorithm = algorithm_of(model);
  const std::optional<std::string> json = algorithm == nullptr ? std::nullopt : algorithm->load(model)->as_json();
  if (!json) return false;
  AtomicFile file(request.output);
  file.write(*json);
  file.commit();
  if (request.depfile) write_depfile(*request.depfile, request.output, {request.input});
  console.info("{}: the model of {}, {} bytes", request.output, request.input, grouped(json->size()));
  return true;
}

}  // namespace

void convert_model(const ConvertRequest& request, DataKind, DataKind, Console& console) {
  if (convert_to_json(request, console)) return;
  formats::TableWriterOptions options;
  options.type = output_type(request.to, request.output);
  options.recordio_split = request.recordio_split;
  const std::optional<std::string> name = options.type.text("tensor");
  options.type.parameters.erase("tensor");
  const ModelSummary model = summarize_model(request.input);
  if (!model.problem.empty()) console.warning("{}: {}", request.input, model.problem);
  const Tensors& tensors = model.model.tensors;
  const bool coefficients = !name && model.coefficients;
  const formats::NamedTensor& tensor = coefficients ? model.coefficients->matrix
                                       : name       ? named(tensors, *name, request.input)
                                                    : only_matrix(tensors, request.input);
  if (coefficients) add_names(*model.coefficients, options);
  formats::TableSink sink(request.output, options, request.common.threads.value);
  sink.write(batch_of(tensor, request.input));
  sink.commit();
  if (request.depfile) write_depfile(*request.depfile, request.output, {request.input});
  console.info("{}: {} of {}, {} rows", request.output == "-" ? "standard output" : request.output, tensor.name, request.input,
               grouped(sink.rows()));
}

}  // namespace smtrain::run
