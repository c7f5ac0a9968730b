#include "run/convert/record_supply.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "formats/io/file_head.h"
#include "formats/parquet/columns.h"
#include "formats/parquet/convert.h"
#include "formats/text/csv_guess.h"
#include "formats/text/field_number.h"
#include "run/convert/manifest_input.h"
#include "run/input_type.h"
#include "run/table_input.h"

namespace smtrain::run {
namespace {

using formats::ContentType;
using formats::Format;

constexpr std::size_t kLook = std::size_t{64} << 10;

// Of records that are no table, the suffix says little: a .txt may hold series.
std::optional<ContentType> line_type(const ConvertRequest& request, DataKind kind, const std::vector<formats::InputFile>& files) {
  if (request.content_type) return formats::parse_content_type(*request.content_type);
  if (kind == DataKind::table) return input_type(std::nullopt, files);
  if (kind == DataKind::documents || kind == DataKind::sentences) return ContentType{Format::text, {}};
  if (kind == DataKind::series || kind == DataKind::pairs || kind == DataKind::manifest) {
    const auto type = type_by_suffix(files.front().path);
    if (type && !formats::has_lines(type->format) && type->format != Format::json) return type;
    return ContentType{Format::jsonlines, {}};
  }
  return std::nullopt;
}

// The format that is asked for, or that the output's name says.
std::optional<ContentType> wanted_type(const ConvertRequest& request, DataKind kind) {
  if (request.to && *request.to != name_of(kind)) return formats::parse_content_type(*request.to);
  return type_by_suffix(request.output);
}

bool has_texts(const formats::InputFile& file) {
  using formats::parquet::Leaf;
  const auto summary = formats::parquet::summarize(file);
  if (!summary) return false;
  const auto& leaves = summary->schema.leaves;
  const auto is_number = [](const Leaf& leaf) { return formats::parquet::is_numeric(leaf.type.kind()); };
  const auto is_list = [](const Leaf& leaf) { return leaf.type.max_repetition != 0; };
  return std::none_of(leaves.begin(), leaves.end(), is_list) && !std::all_of(leaves.begin(), leaves.end(), is_number);
}

// Whether the output is to have the bytes of the input's records.
bool copies(const ConvertRequest& request, const ContentType& from, DataKind kind) {
  if (!formats::has_lines(from.format)) return false;
  const std::optional<ContentType> to = wanted_type(request, kind);
  if (!to) return kind != DataKind::table || request.to.has_value();
  if (to->format != from.format) return kind != DataKind::table && to->format == Format::json && from.format == Format::jsonlines;
  const auto delimiter = [](const ContentType& type) { return type.text("delimiter").value_or("comma"); };
  const bool to_says = to->parameters.contains("delimiter"), from_says = from.parameters.contains("delimiter");
  if ((to_says || (from_says && !request.content_type)) && delimiter(*to) != delimiter(from)) return false;
  ContentType rest = *to;
  rest.parameters.erase("delimiter");
  return rest.parameters.empty();
}

// Rows that cannot be copied, since the output has another delimiter, are read as numbers.
void refuse_texts(const ConvertRequest& request, const ContentType& from, const formats::InputFile& file) {
  const std::optional<ContentType> to = wanted_type(request, DataKind::table);
  if (!to || to->format != Format::csv || from.format != Format::csv || !file.rewindable) return;
  const std::string head = formats::file_head(file, kLook);
  const formats::CsvDialect dialect = formats::csv_dialect(from);
  const std::size_t header = formats::csv_first_line(head, dialect).size();
  if (header == head.size()) return;
  const std::string_view row = formats::csv_first_line(std::string_view(head).substr(header + 1), dialect);
  if (header + 1 + row.size() == head.size() && head.size() == kLook) return;
  for (const std::string& field : formats::field_texts(row.data(), row.data() + row.size(), dialect)) {
    if (field.empty() || formats::field_number(field)) continue;
    throw user_error("{}:2: {} is not a number; rows with text are copied as they stand, when the output has the delimiter of the input: "
                     "name the output by the suffix of the input, or leave the delimiter as it is", file.name, smtrain::quoted(field));
  }
}

bool holds_images(DataKind kind) {
  constexpr DataKind kKinds[] = {DataKind::image_folder, DataKind::image_list, DataKind::image_records, DataKind::manifest,
                                 DataKind::boxes, DataKind::voc, DataKind::coco};
  return std::find(std::begin(kKinds), std::end(kKinds), kind) != std::end(kKinds);
}

}  // namespace

bool copies_texts(const ConvertRequest& request, DataKind from, DataKind to) {
  if (from != DataKind::table || to != DataKind::table || request.input == "-") return false;
  const std::optional<ContentType> wanted = wanted_type(request, from);
  if (!wanted || wanted->format != Format::csv || !wanted->parameters.empty()) return false;
  const std::vector<formats::InputFile> files = formats::expand_path(request.input);
  const ContentType type = input_type(request.content_type, files);
  return type.format == Format::parquet && type.parameters.empty() && has_texts(files.front());
}

std::unique_ptr<RecordSupply> open_record_supply(const ConvertRequest& request, DataKind from, DataKind to, Console& console) {
  std::vector<formats::InputFile> files = formats::expand_path(request.input);
  announce_terminal_input(request.input, console);
  if (request.prepare.encodes()) {
    if (from != DataKind::table || to != DataKind::table) {
      throw user_error("{}: is {}; columns can be chosen and encoded of a table alone", request.input, words_for(from));
    }
    return open_encoded_rows(request, std::move(files), console);
  }
  if (to == DataKind::image_records && holds_images(from)) return open_images(request, from, console);
  if (from != to) {
    throw user_error(
        "{}: is {}, to become {}: --shuffle, --split, --folds, --shards and --tail do not change the kind of data; convert "
        "first, then part what comes out",
        request.input, words_for(from), words_for(to));
  }
  if (from == DataKind::image_list) return open_image_lines(request);
  const auto type = line_type(request, from, files);
  if (copies_texts(request, from, to)) return open_csv_lines(request, *type, std::move(files), console);
  if (from == DataKind::manifest && type && formats::has_lines(type->format)) {
    return open_lines(request, *type, std::move(files), [references = MovedReferences(request)](std::string_view line, const std::string& place) {
      return references.apply(line, place);
    });
  }
  if (type && copies(request, *type, from)) {
    if (type->format == Format::csv) return open_csv_lines(request, *type, std::move(files), console);
    return open_lines(request, *type, std::move(files));
  }
  if (from == DataKind::table && type) refuse_texts(request, *type, files.front());
  if (from == DataKind::table) return open_table_rows(request, files, console);
  throw user_error(
      "{}: is {}{}; --shuffle, --split, --folds, --shards and --tail take tables, and records that are lines (series, pairs, "
      "sentences, documents as JSON Lines or text, image lists, manifests), and images on their way into records or a folder",
      request.input, words_for(from), type ? fmt::format(" as {}", formats::words_for(type->format)) : "");
}

void show_progress(const RecordSupply& supply, const char* phase, std::uint64_t records, Console& console) {
  job::Progress progress;
  progress.phase = phase;
  progress.fraction = supply.bytes_to_read() == 0
                          ? -1
                          : std::min(1.0, static_cast<double>(supply.bytes_read()) / static_cast<double>(supply.bytes_to_read()));
  progress.records = records;
  console.progress(progress);
}

}  // namespace smtrain::run
