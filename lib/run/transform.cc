// Batch transform: rows in, answers out, streaming.
#include "base/error.h"
#include "base/file.h"
#include "base/signals.h"
#include "base/text.h"
#include "formats/prediction.h"
#include "run/depfile.h"
#include "run/device.h"
#include "run/model_input.h"
#include "run/requests.h"
#include "run/table_input.h"

namespace smtrain::run {
namespace {

constexpr std::size_t kBatchRows = 8192;

formats::Format answer_format(const TransformRequest& request, const job::Description& algorithm) {
  const std::string accept = request.accept.value_or("application/jsonlines");
  const formats::ContentType type = formats::parse_content_type(accept);
  const std::string mime = formats::mime_type(type.format);
  for (const std::string& known : algorithm.answers) {
    if (known == mime) return type.format;
  }
  throw user_error("--accept {}: {} answers in: {}", accept, algorithm.name, join(algorithm.answers, ", "));
}

TableInput transform_input(const TransformRequest& request, const job::Predictor& predictor) {
  TableInput input;
  input.path = request.input;
  input.content_type = request.content_type;
  input.feature_dim = predictor.feature_dim();
  input.mini_batch_size = kBatchRows;
  input.threads = request.common.threads.value;
  input.memory_limit = request.common.memory_limit.value;
  return input;
}

void check_output(const TransformRequest& request) {
  for (const std::string& input : {request.input, request.model}) {
    if (input != "-" && same_file(input, request.output)) {
      throw user_error("output {} is an input of this run; give another output", smtrain::quoted(request.output));
    }
  }
}

double fraction(const formats::TableStream& stream) {
  if (!stream.bytes_total() || *stream.bytes_total() == 0) return -1;
  return static_cast<double>(stream.bytes_consumed()) / static_cast<double>(*stream.bytes_total());
}

}  // namespace

void transform(const TransformRequest& request, Console& console) {
  const LoadedModel loaded = load_model(request.model);
  const formats::Format format = answer_format(request, loaded.algorithm->description());
  check_output(request);
  const std::unique_ptr<compute::Backend> backend = make_backend(request.common, console);
  auto stream = open_table_input(transform_input(request, *loaded.predictor), console);

  AtomicFile output(request.output);
  formats::PredictionWriter writer(format, loaded.algorithm->description().response_key);
  const std::unique_ptr<job::Predictor::Scratch> scratch = loaded.predictor->make_scratch(*backend);
  formats::Prediction prediction;
  std::string text;
  writer.begin(text);
  for (formats::Batch batch; stream->next(batch);) {
    throw_if_stopped();
    loaded.predictor->predict(*backend, batch, *scratch, prediction);
    writer.rows(prediction, text);
    output.write(text);
    text.clear();
    console.progress({"transform", fraction(*stream), stream->records(), std::nullopt});
  }
  writer.end(text);
  output.write(text);
  output.commit();
  if (request.depfile) {
    std::vector<std::string> inputs{request.model};
    for (const formats::InputFile& file : stream->files()) inputs.push_back(file.path);
    write_depfile(*request.depfile, request.output, inputs);
  }
  console.info("{} rows answered, wrote {}", grouped(stream->records()), request.output == "-" ? "standard output" : request.output);
}

}  // namespace smtrain::run
