#include <charconv>
#include <limits>

#include "base/error.h"
#include "base/text.h"
#include "commands.h"

namespace smtrain::cmd {
namespace {

std::vector<std::string> names_in(const std::optional<std::string>& list) {
  std::vector<std::string> names;
  if (!list) return names;
  for (const std::string_view name : split(*list, ',')) names.emplace_back(trim(name));
  return names;
}

run::BoxOptions box_options(const CommandLine& line) {
  run::BoxOptions options;
  options.classes_file = line.text("classes");
  options.voc_from_zero = line.text("voc-origin") == "0";
  options.drop_difficult = line.has("drop-difficult");
  options.attribute_names = names_in(line.text("attribute-names"));
  options.maps = line.texts("map");
  options.reference_prefix = line.text("ref-prefix");
  options.label_map = line.text("label-map");
  options.palette = line.text("palette");
  return options;
}

// What is too large for its flag is refused where its limit is known.
std::optional<std::int64_t> number(const CommandLine& line, const std::string& flag, std::int64_t least) {
  const std::optional<std::string> text = line.text(flag);
  if (!text) return std::nullopt;
  std::int64_t number = 0;
  const char* const last = text->data() + text->size();
  const auto [end, error] = std::from_chars(text->data(), last, number);
  if (error == std::errc() && end == last && number >= least) return number;
  const bool large = error == std::errc::result_out_of_range && end == last && text->front() != '-';
  throw user_error("--{} {}: expected a whole number {}", flag, smtrain::quoted(*text),
                   large ? fmt::format("of at most {}", std::numeric_limits<std::int64_t>::max()) : fmt::format("from {}", least));
}

run::PrepareOptions preparation(const CommandLine& line) {
  run::PrepareOptions p;
  p.encoding = {line.text("columns"), line.text("drop"), line.text("label"), line.text("one-hot"), line.text("ordinal"),
                line.texts("missing"), line.texts("missing-text")};
  p.save_encoding = line.text("save-encoding");
  p.apply_encoding = line.text("apply-encoding");
  p.shuffle = line.has("shuffle");
  p.split = line.text("split");
  p.folds = number(line, "folds", 2);
  p.shards = number(line, "shards", 2);
  p.tail = number(line, "tail", 1);
  p.stratify = line.text("stratify");
  p.group = line.text("group");
  p.manifest = line.text("manifest");
  return p;
}

run::ImageOptions image_options(const CommandLine& line) {
  run::ImageOptions options;
  options.resize = number(line, "resize", 1);
  options.center_crop = line.has("center-crop");
  options.encoding = line.text("encoding");
  options.quality = number(line, "quality", 0);
  options.pass_through = line.has("pass-through");
  options.pack_label = line.has("pack-label");
  options.no_shuffle = line.has("no-shuffle");
  options.skip_bad_images = number(line, "skip-bad-images", 0).value_or(0);
  options.max_image_pixels = number(line, "max-image-pixels", 1);
  return options;
}

run::TextOptions text_options(const CommandLine& line) {
  run::TextOptions options;
  options.text = names_in(line.text("text"));
  options.second_text = line.text("second-text");
  options.second = line.text("second");
  options.label = line.text("label");
  options.label_names = names_in(line.text("label-names"));
  options.file_per_document = line.has("file-per-document");
  options.tokens = line.text("tokens");
  options.keep_case = line.has("keep-case");
  options.lower_case = line.has("lower-case");
  options.min_count = number(line, "min-count", 1);
  options.vocabulary_size = number(line, "vocabulary-size", 1);
  options.stop_words = line.text("stop-words");
  options.vocabulary = line.text("vocabulary");
  options.save_vocabulary = line.text("save-vocabulary");
  return options;
}

run::SeriesOptions series_options(const CommandLine& line) {
  run::SeriesOptions options;
  options.layout = line.text("layout");
  options.series = line.text("series");
  options.time = line.text("time");
  options.values = names_in(line.text("value"));
  options.features = names_in(line.text("features"));
  options.categories = names_in(line.text("categories"));
  options.save_categories = line.text("save-categories");
  options.categories_from = line.text("categories-from");
  options.frequency = line.text("frequency");
  options.start = line.text("start");
  return options;
}

}  // namespace

void convert(CommandLine& line, Session& session) {
  session.throw_problems();
  run::ConvertRequest request;
  request.input = line.positionals[0];
  request.output = line.positionals[1];
  request.content_type = line.text("content-type");
  request.from = line.text("from");
  request.to = line.text("to");
  request.recordio_split = line.has("recordio-split");
  request.root = line.text("root");
  request.boxes = box_options(line);
  request.prepare = preparation(line);
  request.images = image_options(line);
  request.text = text_options(line);
  request.series = series_options(line);
  request.depfile = line.text("depfile");
  request.common = session.common();
  run::convert(request, session.console());
}

}  // namespace smtrain::cmd
