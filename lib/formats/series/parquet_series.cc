#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "formats/parquet/columns.h"
#include "formats/series/series_readers.h"

namespace smtrain::formats {
namespace {

using parquet::Column;
using parquet::Kind;
using parquet::Leaf;

constexpr std::int64_t kMicroseconds = 1'000'000;

struct Field {
  const char* name;
  bool required;
  std::size_t least_lists, most_lists;
  const char* expected;
};
constexpr Field kFields[] = {
    {"start", true, 0, 0, "text, timestamps or dates"},
    {"target", true, 1, 1, "lists of numbers"},
    {"cat", false, 0, 1, "lists of integers"},
    {"dynamic_feat", false, 2, 2, "lists of lists of numbers"},
    {"item_id", false, 0, 0, "texts or integers"},
};

bool suits(const Field& field, const Leaf& leaf) {
  const Kind kind = leaf.type.kind();
  const std::size_t lists = leaf.type.max_repetition;
  if (lists < field.least_lists || lists > field.most_lists) return false;
  const std::string_view name = field.name;
  const bool text = kind == Kind::text || kind == Kind::binary;
  if (name == "start") return text || kind == Kind::timestamp || kind == Kind::date;
  if (name == "item_id") return text || kind == Kind::integer;
  if (name == "cat") return kind == Kind::integer;
  return kind == Kind::integer || kind == Kind::number || kind == Kind::boolean;
}

std::vector<std::size_t> choose(const parquet::FileSummary& file, const std::string&) {
  std::vector<std::size_t> chosen;
  for (const Field& field : kFields) {
    const auto& leaves = file.schema.leaves;
    const auto found = std::find_if(leaves.begin(), leaves.end(), [&](const Leaf& leaf) { return leaf.name == field.name; });
    if (found == leaves.end()) {
      if (field.required) throw user_error("has no column {}, expected {}", field.name, field.expected);
      continue;
    }
    if (!suits(field, *found)) {
      throw user_error("column {}: found {} in {} lists, expected {}", field.name,
                       parquet::words_for(found->type.kind()), found->type.max_repetition, field.expected);
    }
    chosen.push_back(static_cast<std::size_t>(found - leaves.begin()));
  }
  return chosen;
}

// The columns of a part by the names of the fields; null where the file has none.
struct Columns {
  const Column *start = nullptr, *target = nullptr, *cat = nullptr, *dynamic_feat = nullptr, *item_id = nullptr;
  explicit Columns(const std::vector<Column>& all) {
    for (const Column& column : all) {
      if (column.name == "start") start = &column;
      else if (column.name == "target") target = &column;
      else if (column.name == "cat") cat = &column;
      else if (column.name == "dynamic_feat") dynamic_feat = &column;
      else item_id = &column;
    }
  }
};

TimeStamp start_of(const Column& column, std::size_t row) {
  if (column.valid[row] == 0) throw user_error("start: is null, expected a time");
  if (column.kind == Kind::timestamp || column.kind == Kind::date) {
    const std::int64_t value = column.integers[row];
    return value / kMicroseconds - (value % kMicroseconds < 0 ? 1 : 0);
  }
  const std::string_view text = column.text(row);
  if (const auto time = parse_time(text)) return *time;
  throw user_error("start: {}: {}", smtrain::quoted(text), time_problem(text));
}

void check_list(const parquet::Lists& lists, std::size_t i, const char* name) {
  if (lists.valid[i] == 0) throw user_error("{}: is null, expected a list", name);
}

void append_numbers(const Column& column, std::size_t begin, std::size_t end, const std::string& path, std::vector<double>& out) {
  for (std::size_t i = begin; i < end; ++i) {
    out.push_back(column.number(i));
    if (std::isinf(out.back())) throw user_error("{}[{}]: is infinite, expected a number", path, i - begin);
  }
}

void read_cat(const Column& column, std::size_t row, std::vector<std::uint32_t>& cat) {
  std::size_t begin = row, end = row + 1;
  if (!column.lists.empty()) {
    check_list(column.lists[0], row, "cat");
    begin = column.lists[0].begin(row);
    end = column.lists[0].end(row);
  }
  for (std::size_t i = begin; i < end; ++i) {
    if (column.valid[i] == 0 || column.integers[i] < 0 || column.integers[i] > 0x7FFFFFFF) {
      throw user_error("cat[{}]: found {}, expected an integer from 0 to {}", i - begin,
                       column.valid[i] == 0 ? "null" : std::to_string(column.integers[i]), 0x7FFFFFFF);
    }
    cat.push_back(static_cast<std::uint32_t>(column.integers[i]));
  }
}

void read_features(const Column& column, std::size_t row, std::vector<std::vector<double>>& features) {
  check_list(column.lists[0], row, "dynamic_feat");
  for (std::size_t k = column.lists[0].begin(row); k < column.lists[0].end(row); ++k) {
    const std::string path = fmt::format("dynamic_feat[{}]", features.size());
    check_list(column.lists[1], k, path.c_str());
    append_numbers(column, column.lists[1].begin(k), column.lists[1].end(k), path, features.emplace_back());
  }
}

void read_row(const Columns& columns, std::size_t row, Series& series) {
  series.start = start_of(*columns.start, row);
  const parquet::Lists& target = columns.target->lists[0];
  check_list(target, row, "target");
  append_numbers(*columns.target, target.begin(row), target.end(row), "target", series.target);
  if (columns.cat != nullptr) read_cat(*columns.cat, row, series.cat);
  if (columns.dynamic_feat != nullptr) read_features(*columns.dynamic_feat, row, series.dynamic_feat);
  if (columns.item_id != nullptr && columns.item_id->valid[row] != 0) {
    const bool number = columns.item_id->kind == Kind::integer;
    series.item_id = number ? std::to_string(columns.item_id->integers[row]) : std::string(columns.item_id->text(row));
  }
  check_series(series);
}

void parse(const RawBlock& block, std::vector<Series>& out) {
  for (const parquet::Part& part : parquet::parts_of(block)) {
    const std::vector<Column> decoded = parquet::read_columns(part, *block.source);
    const Columns columns(decoded);
    for (std::size_t row = 0; row < part.rows; ++row) {
      Series& series = out.emplace_back();
      series.source = block.source;
      series.row = part.first_row + row;
      try {
        read_row(columns, row, series);
      } catch (const Error& e) {
        throw Error(e.fault(), fmt::format("{}: {}", series.where(), e.what()));
      }
    }
  }
}

class ParquetSeriesReader final : public SeriesReader {
 public:
  ParquetSeriesReader(std::vector<InputFile> files, const BlockTeamOptions& options)
      : cutter_(choose), stream_(std::move(files), cutter_, parse, options) {}
  bool next(std::vector<Series>& series) override { return stream_.next(series); }
  std::uint64_t bytes_consumed() const override { return stream_.team().bytes_consumed(); }

 private:
  parquet::PartCutter cutter_;
  RecordStream<Series> stream_;
};

}  // namespace

std::unique_ptr<SeriesReader> open_parquet_series(std::vector<InputFile> files, const BlockTeamOptions& options) {
  return std::make_unique<ParquetSeriesReader>(std::move(files), options);
}

}  // namespace smtrain::formats
