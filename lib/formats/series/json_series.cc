#include "formats/series/series_readers.h"

#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "formats/json/json_records.h"
#include "formats/json/json_row.h"

namespace smtrain::formats {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr const char* kExample = R"({"start":"2020-01-31 00:00:00","target":[1.5,null,3]})";
constexpr std::uint32_t kMostCategories = 0x7FFFFFFF;

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
      : cutter_(options.max_record_bytes),
        lines_(kExample),
        stream_(
            std::move(files), cutter_, [this, &log](const RawBlock& block, std::vector<Series>& out) { parse(block, log, out); },
            options) {}

  bool next(std::vector<Series>& series) override { return stream_.next(series); }
  std::uint64_t bytes_consumed() const override { return stream_.team().bytes_consumed(); }

 private:
  void parse(const RawBlock& block, Log& log, std::vector<Series>& out) const {
    out.reserve(out.size() + block.records);
    lines_.each(block, log, [&](object record, std::uint64_t line) { out.push_back(series_of(record, block, line)); });
  }

  LineCutter cutter_;
  JsonLines lines_;
  RecordStream<Series> stream_;
};

}  // namespace

std::unique_ptr<SeriesReader> open_json_series(std::vector<InputFile> files, const BlockTeamOptions& options, Log& log) {
  return std::make_unique<JsonSeriesReader>(std::move(files), options, log);
}

}  // namespace smtrain::formats
