#include "formats/series/series.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/text.h"
#include "formats/json/json_records.h"
#include "formats/json/json_row.h"
#include "formats/text/lines.h"

namespace smtrain::formats {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr const char* kExample = R"({"start":"2020-01-31 00:00:00","target":[1.5,null,3]})";
constexpr std::uint32_t kMostCategories = 0x7FFFFFFF;
constexpr TimeStamp kLastTime = 253402300799;  // the end of year 9999

element required(object record, const char* name) {
  if (const auto found = json_member(record, name)) return *found;
  throw user_error("{}: the field is not there, expected an object such as {}", name, kExample);
}

TimeStamp read_start(element value) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) {
    throw user_error("start: found {}, expected a string such as \"2020-01-31 00:00:00\"", describe_json(value));
  }
  if (const auto time = parse_time(text)) return *time;
  throw user_error("start: {}: {}", smtrain::quoted(text), time_problem(text));
}

void read_cat(element value, std::vector<std::uint32_t>& cat) {
  if (value.is_array()) read_json_ids(value, "cat", kMostCategories, cat);
  else cat.push_back(read_json_id(value, "cat", kMostCategories));
}

void read_features(element value, std::vector<std::vector<double>>& features) {
  array rows;
  if (value.get(rows) != simdjson::SUCCESS) {
    throw user_error("dynamic_feat: found {}, expected a list of lists of numbers, one per feature", describe_json(value));
  }
  for (const element row : rows) {
    const std::string path = fmt::format("dynamic_feat[{}]", features.size());
    if (!row.is_array()) {
      throw user_error("{}: found {}, expected a list of numbers; dynamic_feat is a list of lists, even of one feature", path,
                       describe_json(row));
    }
    read_json_numbers(row, path, MissingNumbers::refused, features.emplace_back());
  }
}

std::string read_id(object record) {
  for (const char* name : {"item_id", "id"}) {
    const auto value = json_member(record, name);
    std::string_view text;
    if (value && value->get(text) == simdjson::SUCCESS) return std::string(text);
    if (value && value->is_number()) return simdjson::minify(*value);
  }
  return {};
}

Series series_of(object record, const RawBlock& block, std::uint64_t line) {
  Series series;
  series.source = block.source;
  series.line = line;
  series.start = read_start(required(record, "start"));
  read_json_numbers(required(record, "target"), "target", MissingNumbers::nan, series.target);
  if (const auto cat = json_member(record, "cat")) read_cat(*cat, series.cat);
  if (const auto features = json_member(record, "dynamic_feat")) read_features(*features, series.dynamic_feat);
  series.item_id = read_id(record);
  check_series(series);
  return series;
}

class JsonSeriesReader final : public SeriesReader {
 public:
  JsonSeriesReader(std::vector<InputFile> files, const BlockTeamOptions& options, Log& log)
      : cutter_(options.max_record_bytes), lines_(kExample),
        stream_(std::move(files), cutter_, [this, &log](const RawBlock& block, std::vector<Series>& out) { parse(block, log, out); }, options) {}

  bool next(std::vector<Series>& series) override {
    if (!stream_.next(series)) return false;
    for (const Series& s : series) shape_.check(s);
    return true;
  }
  std::uint64_t bytes_consumed() const override { return stream_.team().bytes_consumed(); }

 private:
  void parse(const RawBlock& block, Log& log, std::vector<Series>& out) const {
    out.reserve(out.size() + block.records);
    lines_.each(block, log, [&](object record, std::uint64_t line) { out.push_back(series_of(record, block, line)); });
  }

  LineCutter cutter_;
  JsonLines lines_;
  RecordStream<Series> stream_;
  SeriesShape shape_;
};

bool deepar_reads(const InputFile& file) {
  const auto format = format_by_suffix(file.name);
  return format == Format::json || format == Format::jsonlines || format == Format::parquet;
}

}  // namespace

std::string Series::where() const { return line_place(source == nullptr ? std::string() : *source, line); }

void check_series(const Series& series) {
  if (series.start > kLastTime) throw user_error("start: {} lies beyond the year 9999", format_time(series.start));
  for (std::size_t k = 0; k < series.dynamic_feat.size(); ++k) {
    const std::vector<double>& row = series.dynamic_feat[k];
    if (row.size() < series.target.size()) {
      throw user_error("dynamic_feat[{}]: {} values, expected as many as target has ({}) in training, and prediction_length more at inference",
                       k, row.size(), series.target.size());
    }
    const auto missing = std::find_if(row.begin(), row.end(), [](double v) { return std::isnan(v); });
    if (missing != row.end()) throw user_error("dynamic_feat[{}][{}]: is missing; features must have all values", k, missing - row.begin());
  }
}

void SeriesShape::check(const Series& series) {
  if (!first_) {
    first_.emplace();
    first_->cat = series.cat;
    first_->dynamic_feat.resize(series.dynamic_feat.size());
    first_->source = series.source;
    first_->line = series.line;
    return;
  }
  if (series.cat.size() != first_->cat.size()) {
    throw user_error("{}: cat: {} categories, expected {} as in {}; all series must have as many", series.where(), series.cat.size(),
                     first_->cat.size(), first_->where());
  }
  if (series.dynamic_feat.size() != first_->dynamic_feat.size()) {
    throw user_error("{}: dynamic_feat: {} features, expected {} as in {}; all series must have as many", series.where(),
                     series.dynamic_feat.size(), first_->dynamic_feat.size(), first_->where());
  }
}

std::unique_ptr<SeriesReader> open_series(std::vector<InputFile> files, const BlockTeamOptions& options, Log& log) {
  return std::make_unique<JsonSeriesReader>(std::move(files), options, log);
}

std::vector<InputFile> series_files(std::vector<InputFile> files, bool given, Log& log) {
  if (given || files.size() <= 1) return files;
  const std::string first = files.front().name;
  const std::size_t skipped = std::erase_if(files, [](const InputFile& file) { return !deepar_reads(file); });
  if (files.empty()) {
    throw user_error("{}: and {} more: none ends with .json, .json.gz or .parquet, which DeepAR reads; rename them, or name their content type", first,
                     skipped - 1);
  }
  if (skipped > 0) log.info("{} that end neither with .json, .json.gz nor .parquet are left out", counted(skipped, "file"));
  return files;
}

void append_series(std::string& out, const Series& series) {
  out += R"({"start":")" + format_time(series.start) + R"(","target":)";
  append_json_numbers(out, series.target);
  if (!series.cat.empty()) {
    out += R"(,"cat":)";
    append_json_ids(out, series.cat);
  }
  for (std::size_t k = 0; k < series.dynamic_feat.size(); ++k) {
    out += k == 0 ? R"(,"dynamic_feat":[)" : ",";
    append_json_numbers(out, series.dynamic_feat[k]);
  }
  if (!series.dynamic_feat.empty()) out += ']';
  if (!series.item_id.empty()) out += R"(,"item_id":)" + json_quoted(series.item_id);
  out += "}\n";
}

}  // namespace smtrain::formats
