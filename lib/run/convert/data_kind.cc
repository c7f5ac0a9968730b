#include "run/convert/data_kind.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "run/convert/box_kinds.h"
#include "run/convert/image_kinds.h"
#include "run/convert/text_kinds.h"
#include "run/inspect/model_summary.h"

namespace smtrain::run {
namespace {

struct KindFacts {
  DataKind kind;
  const char* name;
  const char* words;
};

constexpr KindFacts kKinds[] = {
    {DataKind::table, "table", "a table"},
    {DataKind::model, "model", "a model"},
    {DataKind::documents, "documents", "text, a document per line"},
    {DataKind::sentences, "blazingtext", "BlazingText lines"},
    {DataKind::translations, "seq2seq", "seq2seq records"},
    {DataKind::pairs, "object2vec", "Object2Vec pairs"},
    {DataKind::counts, "counts", "word counts"},
    {DataKind::series, "deepar", "DeepAR series"},
    {DataKind::image_folder, "images", "a folder of images"},
    {DataKind::image_list, "lst", "an image list"},
    {DataKind::image_records, "image-records", "image records"},
    {DataKind::manifest, "manifest", "an augmented manifest"},
    {DataKind::boxes, "boxes", "boxes as JSON per image"},
    {DataKind::voc, "voc", "Pascal VOC annotations"},
    {DataKind::coco, "coco", "COCO annotations"},
    {DataKind::masks, "masks", "segmentation masks"},
};

const KindFacts& facts_of(DataKind kind) {
  return *std::find_if(std::begin(kKinds), std::end(kKinds), [&](const KindFacts& f) { return f.kind == kind; });
}

std::optional<DataKind> kind_named(const std::string& name) {
  const auto found = std::find_if(std::begin(kKinds), std::end(kKinds), [&](const KindFacts& f) { return name == f.name; });
  return found == std::end(kKinds) ? std::nullopt : std::optional(found->kind);
}

bool made_of_text(DataKind kind) {
  return kind == DataKind::sentences || kind == DataKind::translations || kind == DataKind::pairs || kind == DataKind::counts;
}

// A word without a slash may be meant as either.
void check_is_type(const std::string& to) {
  try {
    (void)formats::parse_content_type(to);
  } catch (const Error& error) {
    if (to.find('/') != std::string::npos) throw;
    throw user_error("{} is no kind of data{}, and no content type; kinds are {}; {}", smtrain::quoted(to), did_you_mean(to, data_kind_names()),
                     fmt::join(data_kind_names(), ", "), error.what());
  }
}

}  // namespace

const char* name_of(DataKind kind) { return facts_of(kind).name; }

const char* words_for(DataKind kind) { return facts_of(kind).words; }

std::vector<std::string> data_kind_names() {
  std::vector<std::string> names;
  for (const KindFacts& facts : kKinds) names.emplace_back(facts.name);
  return names;
}

DataKind input_kind(const ConvertRequest& request) {
  if (request.from) {
    if (const auto kind = kind_named(*request.from)) return *kind;
    throw user_error("{} is no kind of data{}; known are {}", smtrain::quoted(*request.from),
                     did_you_mean(*request.from, data_kind_names()), fmt::join(data_kind_names(), ", "));
  }
  const std::optional<DataKind> to = request.to ? kind_named(*request.to) : std::nullopt;
  if (to && made_of_text(*to)) return DataKind::documents;
  if (to == DataKind::series) return DataKind::table;
  if (!request.content_type) {
    if (const auto kind = guess_structured_input(request)) return *kind;
  }
  if (const auto kind = guess_image_input(request)) return *kind;
  if (request.content_type) return DataKind::table;
  if (looks_like_model(request.input)) return DataKind::model;
  return guess_text_input(request).value_or(DataKind::table);
}

DataKind output_kind(const ConvertRequest& request, DataKind input) {
  if (request.to) {
    if (const auto kind = kind_named(*request.to)) return *kind;
    check_is_type(*request.to);
  }
  if (input == DataKind::sentences) return input;
  const auto format = formats::format_by_suffix(request.output);
  if (input == DataKind::series && (format == formats::Format::json || format == formats::Format::jsonlines)) return input;
  if (const auto kind = guess_box_output(request, input)) return *kind;
  if (const auto kind = guess_image_output(request, input)) return *kind;
  return DataKind::table;
}

}  // namespace smtrain::run
