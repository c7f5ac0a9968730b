// Batch transform: rows in, answers out, streaming.
#include <algorithm>
#include <charconv>
#include <cstdlib>

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
constexpr std::size_t kMostTop = 100'000;  // of answers that are read by somebody

formats::ContentType answer_type(const TransformRequest& request, const job::Description& algorithm) {
  const std::string accept = request.accept.value_or(algorithm.default_answer);
  formats::ContentType type = formats::parse_content_type(accept);
  const std::string mime = formats::mime_type(type.format);
  for (const std::string& known : algorithm.answers) {
    if (known == mime) return type;
  }
  throw user_error("--accept {}: {} answers in: {}", accept, algorithm.name, join(algorithm.answers, ", "));
}

// The service's containers are told by their environment; one that has nothing to choose from does not look there.
std::string wanted_columns(const TransformRequest& request, bool selectable) {
  if (request.columns) return *request.columns;
  const char* const set = std::getenv("SAGEMAKER_INFERENCE_OUTPUT");
  return selectable && set != nullptr ? set : "";
}

bool wants_ensemble() {
  const char* const set = std::getenv("SAGEMAKER_INFERENCE_ENSEMBLE");
  return set == nullptr || to_lower(set) != "false";
}

job::AnswerRequest wanted_answer(const TransformRequest& request, const formats::ContentType& type, const LoadedModel& loaded, Log& log) {
  job::AnswerRequest wanted;
  wanted.verbose = type.boolean("verbose").value_or(false);
  wanted.ensemble = wants_ensemble();
  const std::vector<job::AnswerColumn> columns = loaded.predictor->answer_columns();
  std::vector<std::string> known;
  for (const job::AnswerColumn& column : columns) known.push_back(column.name);
  const std::string text = wanted_columns(request, !known.empty());
  if (text.empty()) return wanted;
  if (known.empty()) throw user_error("--columns: models of {} have one answer alone", loaded.algorithm->description().name);
  for (const std::string_view part : split(text, ',')) {
    const std::string name(trim(part));
    const auto place = std::find(known.begin(), known.end(), name);
    if (place == known.end()) {
      throw user_error("{}: {} is none of the columns that this model answers with: {}{}",
                       request.columns ? "--columns" : "SAGEMAKER_INFERENCE_OUTPUT", smtrain::quoted(name), join(known, ", "),
                       did_you_mean(name, known));
    }
    if (std::find(wanted.columns.begin(), wanted.columns.end(), name) != wanted.columns.end()) continue;
    wanted.columns.push_back(name);
    if (!columns[static_cast<std::size_t>(place - known.begin())].applies) log.warning("{}: nothing of the kind belongs to this model: NaN in all answers", name);
  }
  return wanted;
}

std::size_t whole_number(std::string_view text, std::string_view flag, std::string_view expected) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && !text.empty()) return value;
  throw user_error("{}: {} is not {}", flag, smtrain::quoted(text), expected);
}

// What --top and --candidates ask for; nothing when answers are wanted.
std::optional<job::Candidates> wanted_candidates(const TransformRequest& request, const LoadedModel& loaded) {
  if (!request.top && !request.candidates) return std::nullopt;
  if (!request.top || !request.candidates) {
    throw user_error("--{} goes with --{}; give both, as in --top 10 --candidates 943-2624", request.top ? "top" : "candidates",
                     request.top ? "candidates" : "top");
  }
  if (loaded.predictor->ranker() == nullptr) {
    throw user_error("--top: models of {} do not rank candidates; those of factorization-machines do", loaded.algorithm->description().name);
  }
  const std::string_view range = *request.candidates;
  const std::size_t dash = range.find('-');
  const char* const expected = "a range of features such as 943-2624";
  if (dash == std::string_view::npos) throw user_error("--candidates: {} is not {}", smtrain::quoted(range), expected);
  const job::Candidates wanted{whole_number(range.substr(0, dash), "--candidates", expected),
                               whole_number(range.substr(dash + 1), "--candidates", expected),
                               whole_number(*request.top, "--top", "a whole number")};
  const std::size_t width = loaded.predictor->feature_dim();
  if (wanted.first > wanted.last || wanted.last >= width) {
    throw user_error("--candidates: {}-{} is no range of the model's features, which are 0 to {}", wanted.first, wanted.last, width - 1);
  }
  if (wanted.top == 0 || wanted.top > kMostTop) throw user_error("--top: is {}; expected 1 to {}", wanted.top, kMostTop);
  return wanted;
}

std::unique_ptr<job::Updater> wanted_updater(const TransformRequest& request, const LoadedModel& loaded) {
  if (!request.update) return nullptr;
  if (request.top) throw user_error("--update: learns from rows that are answered for; it does not go with --top");
  std::unique_ptr<job::Updater> updater = loaded.predictor->updater();
  if (updater == nullptr) {
    throw user_error("--update: models of {} do not learn from the rows they answer for; those of rcf do", loaded.algorithm->description().name);
  }
  return updater;
}

// Scores of an earlier test say nothing of a model that has learnt since.
void write_updated(const std::string& path, const job::Predictor& predictor, job::Manifest manifest) {
  job::Model model;
  model.manifest = std::move(manifest);
  model.manifest.metrics.clear();
  predictor.save(model);
  job::write_model(path, model);
}

TableInput transform_input(const TransformRequest& request, const LoadedModel& loaded) {
  TableInput input;
  input.path = request.input;
  input.content_type = request.content_type;
  input.feature_dim = loaded.predictor->feature_dim();
  input.missing_values = loaded.algorithm->description().missing_values;
  input.guess_delimiter = loaded.algorithm->description().guesses_delimiter;
  input.mini_batch_size = kBatchRows;
  input.threads = request.common.threads.value;
  input.memory_limit = request.common.memory_limit.value;
  return input;
}

void check_output(const TransformRequest& request) {
  if (request.updated_model) {
    if (!request.update) throw user_error("--updated-model goes with --update; give both");
    job::check_model_path(*request.updated_model);
    for (const std::string& other : {request.input, request.output}) {
      if (other != "-" && same_file(other, *request.updated_model)) {
        throw user_error("--updated-model {} is the input or the output of this run; give another file", smtrain::quoted(*request.updated_model));
      }
    }
  }
  for (const std::string& input : {request.input, request.model}) {
    if (input != "-" && same_file(input, request.output)) {
      throw user_error("output {} is an input of this run; give another output", smtrain::quoted(request.output));
    }
  }
}

// The service refuses some types of requests to some algorithms; who names the type knows what the columns are.
void check_input_type(const TransformRequest& request, const LoadedModel& loaded, const formats::TableStream& stream) {
  const std::vector<std::string>& accepted = loaded.algorithm->description().accepts;
  const std::string type = formats::mime_type(stream.type().format);
  const std::string csv = formats::mime_type(formats::Format::csv);
  if (request.content_type || type != csv || std::find(accepted.begin(), accepted.end(), csv) != accepted.end()) return;
  throw user_error("{}: is {}, which the service's {} does not answer; it takes {}. To have it answered here, with all columns as features, "
                   "give --content-type \"text/csv;label_size=0\"", request.input, csv, loaded.algorithm->description().name, join(accepted, ", "));
}

double fraction(const formats::TableStream& stream) {
  if (!stream.bytes_total() || *stream.bytes_total() == 0) return -1;
  return static_cast<double>(stream.bytes_consumed()) / static_cast<double>(*stream.bytes_total());
}

}  // namespace

void transform(const TransformRequest& request, Console& console) {
  const LoadedModel loaded = load_model(request.model);
  const formats::ContentType type = answer_type(request, loaded.algorithm->description());
  const job::AnswerRequest wanted = wanted_answer(request, type, loaded, console);
  const std::optional<job::Candidates> candidates = wanted_candidates(request, loaded);
  const std::unique_ptr<job::Updater> updater = wanted_updater(request, loaded);
  check_output(request);
  const std::unique_ptr<compute::Backend> backend = make_backend(request.common, loaded.algorithm->description(), console);
  auto stream = open_table_input(transform_input(request, loaded), console);
  check_input_type(request, loaded, *stream);

  AtomicFile output(request.output);
  formats::PredictionWriter writer(type.format, loaded.algorithm->description().response_key);
  const std::unique_ptr<job::Predictor::Scratch> scratch = loaded.predictor->make_scratch(*backend);
  formats::Prediction prediction;
  std::string text;
  writer.begin(text);
  for (formats::Batch batch; stream->next(batch);) {
    throw_if_stopped();
    if (candidates) loaded.predictor->ranker()->rank(*backend, batch, *candidates, *scratch, prediction);
    else if (updater) updater->update(*backend, batch, wanted, prediction);
    else loaded.predictor->predict(*backend, batch, wanted, *scratch, prediction);
    prediction.in_order = !wanted.columns.empty();
    writer.rows(prediction, text);
    output.write(text);
    text.clear();
    console.progress({"transform", fraction(*stream), stream->records(), std::nullopt});
  }
  writer.end(text);
  output.write(text);
  output.commit();
  if (request.updated_model) write_updated(*request.updated_model, *updater->finish(*backend), loaded.model.manifest);
  if (request.depfile) {
    std::vector<std::string> inputs{request.model};
    for (const formats::InputFile& file : stream->files()) inputs.push_back(file.path);
    write_depfile(*request.depfile, request.output, inputs);
  }
  console.info("{} rows answered, wrote {}", grouped(stream->records()), request.output == "-" ? "standard output" : request.output);
}

}  // namespace smtrain::run
