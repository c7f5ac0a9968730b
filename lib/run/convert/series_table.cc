#include "run/convert/series_table.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/text.h"
#include "formats/text/column_list.h"
#include "formats/text/csv_texts.h"

namespace smtrain::run {
namespace {

using formats::Frequency;
using formats::Series;
using formats::TimeStamp;

constexpr std::size_t kSeriesForFrequency = 200;

// A row of a table, taken apart in parallel.
struct Row {
  std::string id;
  TimeStamp time = 0;
  std::vector<double> values;    // NaN: missing
  std::vector<double> features;
  std::vector<std::string> categories;
  std::uint64_t line = 0;
  std::shared_ptr<const std::string> source;
};

double number_in(std::string_view text, const std::string& column) {
  for (const char* missing : {"", "NA", "NaN", "nan", "null", "NULL", "?"}) {
    if (text == missing) return std::nan("");
  }
  double number = 0;
  const char* const first = text.data() + (text.starts_with('+') ? 1 : 0);
  const auto [end, error] = std::from_chars(first, text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && std::isfinite(number)) return number;
  throw user_error("column {}: {} is not a number", column, smtrain::quoted(text));
}

// Where the columns of the table stand.
struct Columns {
  std::optional<std::size_t> series, time;
  std::vector<std::size_t> values, features, categories;
  std::vector<std::string> names;  // of all
  std::size_t count = 0;
};

// The rows of a table as its layout has them.
class Rows {
 public:
  Rows(const SeriesTableInput& input, const SeriesOptions& options)
      : input_(input), options_(options), form_(formats::CsvTextForm::of(input.type)) {
    find_columns(formats::csv_header(input.files, form_));
    cutter_ = std::make_unique<formats::CsvTextCutter>(form_, input_.blocks.max_record_bytes);
    stream_ = std::make_unique<formats::RecordStream<Row>>(
        input_.files, *cutter_, [this](const formats::RawBlock& block, std::vector<Row>& rows) { parse(block, rows); },
        input_.blocks);
  }
  bool next(std::vector<Row>& rows) { return stream_->next(rows); }
  std::uint64_t bytes_consumed() const { return stream_->team().bytes_consumed(); }
  const Columns& columns() const { return columns_; }

 private:
  void find_columns(const std::vector<std::string>& first) {
    if (first.empty()) throw user_error("{}: holds no record", input_.files.front().name);
    columns_.count = first.size();
    for (std::size_t i = 0; i < first.size(); ++i) columns_.names.push_back(form_.header ? first[i] : std::to_string(i));
    const auto find = [&](const std::string& name, const char* flag) {
      return formats::parse_column(name, form_.header ? first : std::vector<std::string>(), columns_.count, flag);
    };
    if (options_.series) columns_.series = find(*options_.series, "--series");
    if (options_.time) columns_.time = find(*options_.time, "--time");
    for (const std::string& name : options_.values) columns_.values.push_back(find(name, "--value"));
    for (const std::string& name : options_.features) columns_.features.push_back(find(name, "--features"));
    for (const std::string& name : options_.categories) columns_.categories.push_back(find(name, "--categories"));
    if (columns_.values.empty()) take_all_others();
    for (const std::size_t i : columns_.categories) least_ = std::max(least_, i + 1);
    least_ = std::max({least_, columns_.series.value_or(0) + 1, columns_.time.value_or(0) + 1});
  }

  void take_all_others() {
    const auto taken = [&](std::size_t i) {
      const auto in = [i](const std::vector<std::size_t>& list) { return std::find(list.begin(), list.end(), i) != list.end(); };
      return columns_.series == i || columns_.time == i || in(columns_.features) || in(columns_.categories);
    };
    for (std::size_t i = 0; i < columns_.count; ++i) {
      if (!taken(i)) columns_.values.push_back(i);
    }
  }

  void parse(const formats::RawBlock& block, std::vector<Row>& rows) const {
    formats::CsvTexts records(block, form_.dialect);
    while (records.next()) {
      try {
        rows.push_back(row_of(records.fields()));
      } catch (const Error& e) {
        throw Error(e.fault(), fmt::format("{}: {}", records.place(), e.what()));
      }
      rows.back().line = records.line();
      rows.back().source = block.source;
    }
  }

  Row row_of(const std::vector<std::string_view>& fields) const {
    if (fields.size() != columns_.count && (options_.layout != "rows" || fields.size() < least_)) {
      throw user_error("{} columns, expected {}", fields.size(), columns_.count);
    }
    Row row;
    if (columns_.series) row.id = fields[*columns_.series];
    if (columns_.time) row.time = time_of(fields[*columns_.time]);
    for (const std::size_t i : columns_.values) {
      if (i < fields.size()) row.values.push_back(number_in(fields[i], columns_.names[i]));
    }
    for (const std::size_t i : columns_.features) row.features.push_back(number_in(fields[i], columns_.names[i]));
    for (const std::size_t i : columns_.categories) row.categories.emplace_back(fields[i]);
    return row;
  }

  TimeStamp time_of(std::string_view text) const {
    if (const auto time = formats::parse_time(text)) return *time;
    throw user_error("column {}: {}: {}", columns_.names[*columns_.time], smtrain::quoted(text), formats::time_problem(text));
  }

  const SeriesTableInput input_;
  const SeriesOptions& options_;
  formats::CsvTextForm form_;
  Columns columns_;
  std::size_t least_ = 0;  // columns that a row must have where rows may end early
  std::unique_ptr<formats::RecordCutter> cutter_;
  std::unique_ptr<formats::RecordStream<Row>> stream_;
};

std::optional<Frequency> given_frequency(const SeriesOptions& options) {
  if (!options.frequency) return std::nullopt;
  if (const auto frequency = formats::parse_frequency(*options.frequency)) return frequency;
  throw user_error("--frequency {}: expected a positive integer, or none, and min, H, D, W or M: 15min, H, D",
                   smtrain::quoted(*options.frequency));
}

TimeStamp given_start(const SeriesOptions& options) {
  if (!options.start)
    throw user_error(
        "the table has no times: say when its series begin (--start 2020-01-31) and the distance of their points (--frequency "
        "D)");
  if (const auto time = formats::parse_time(*options.start)) return *time;
  throw user_error("--start {}: {}", smtrain::quoted(*options.start), formats::time_problem(*options.start));
}

Frequency required_frequency(const SeriesOptions& options) {
  if (const auto frequency = given_frequency(options)) return *frequency;
  throw user_error("the table has no times: say the distance of the points with --frequency, for example D or 15min");
}

[[noreturn]] void refuse_memory(const SeriesTableInput& input, const char* why) {
  throw user_error(
      "{}: {}, and the table takes more memory than half of --memory-limit; sort it by series (for example: sort -t, -s -k1,1) "
      "or "
      "raise the limit",
      input.files.front().name, why);
}

// The table's layouts share how series get their grid.
class GriddedTable : public SeriesTable {
 public:
  GriddedTable(const SeriesTableInput& input, const SeriesOptions& options, CategoryNumbers& numbers, Log& log)
      : input_(input),
        options_(options),
        numbers_(numbers),
        log_(log),
        rows_(input_, options),
        frequency_(given_frequency(options)) {}
  std::uint64_t bytes_consumed() const override { return rows_.bytes_consumed(); }
  std::optional<Frequency> frequency() const override { return frequency_; }

 protected:
  // From the distances of neighbouring times.
  void find_frequency(std::vector<RawSeries>& all) {
    if (frequency_) return;
    formats::FrequencyFinder finder;
    for (RawSeries& raw : all) {
      std::stable_sort(raw.rows.begin(), raw.rows.end(),
                       [](const Observation& a, const Observation& b) { return a.time < b.time; });
      for (std::size_t i = 1; i < raw.rows.size(); ++i) {
        if (raw.rows[i - 1].time < raw.rows[i].time) finder.add(raw.rows[i - 1].time, raw.rows[i].time);
      }
    }
    frequency_ = finder.found();
    if (!frequency_) {
      throw user_error(
          "{}: the distance of the points cannot be told from the times; say it with --frequency, for example D or 15min",
          input_.files.front().name);
    }
    log_.info("points are {} apart, as the times say; name another distance with --frequency",
              formats::format_frequency(*frequency_));
  }

  std::vector<std::uint32_t> categories_of(const Row& row) {
    std::vector<std::uint32_t> cat;
    for (std::size_t i = 0; i < row.categories.size(); ++i) {
      try {
        cat.push_back(numbers_.number(i, row.categories[i]));
      } catch (const Error& e) {
        throw Error(e.fault(), fmt::format("{}:{}: {}", *row.source, row.line, e.what()));
      }
    }
    return cat;
  }

  const SeriesTableInput input_;
  const SeriesOptions& options_;
  CategoryNumbers& numbers_;
  Log& log_;
  Rows rows_;
  std::optional<Frequency> frequency_;
};

class LongTable final : public GriddedTable {
 public:
  LongTable(const SeriesTableInput& input, const SeriesOptions& options, CategoryNumbers& numbers, Log& log)
      : GriddedTable(input, options, numbers, log) {
    if (!rows_.columns().time) throw user_error("--layout long takes the column with the times (--time COLUMN)");
    if (rows_.columns().values.size() != 1) {
      throw user_error(
          "--layout long takes one column with the values (--value COLUMN), found {}; with a column per series say --layout wide",
          rows_.columns().values.size());
    }
  }

  bool next(std::vector<Series>& series) override {
    series.clear();
    while (series.empty() && !ended_) {
      ended_ = !rows_.next(some_);
      for (Row& row : some_) take(row);
      some_.clear();
      if (ended_) close();
      if (done_.empty() || (!frequency_ && !ended_ && done_.size() < kSeriesForFrequency)) continue;
      find_frequency(done_);
      for (RawSeries& raw : done_) series.push_back(on_grid(raw, *frequency_));
      done_.clear();
    }
    return !series.empty();
  }

 private:
  void take(Row& row) {
    const auto found = places_.find(row.id);
    if (found != places_.end()) return add(open_[found->second], row);
    if (!input_.gather) close();
    if (closed_.contains(row.id)) {
      throw SeriesApart{
          fmt::format("{}:{}: series {} comes again, after others", *row.source, row.line, smtrain::quoted(row.id))};
    }
    places_.emplace(row.id, open_.size());
    open_.push_back({row.id, {}, categories_of(row), row.source});
    add(open_.back(), row);
  }

  // No more rows of what is open.
  void close() {
    for (RawSeries& raw : open_) {
      if (!input_.gather) closed_.insert(raw.id);
      done_.push_back(std::move(raw));
    }
    open_.clear();
    places_.clear();
    bytes_ = 0;
  }

  void add(RawSeries& raw, Row& row) {
    if (!raw.rows.empty() && categories_of(row) != raw.cat) {
      throw user_error("{}:{}: series {} has other categories than in line {}; they are the same in all rows of a series",
                       *row.source, row.line, smtrain::quoted(row.id), raw.rows.front().line);
    }
    bytes_ += sizeof(Observation) + row.features.size() * sizeof(double);
    if (bytes_ > input_.memory)
      refuse_memory(input_, input_.gather ? "the rows of its series do not stand together" : "one series holds all of it");
    raw.rows.push_back({row.time, row.values[0], std::move(row.features), row.line});
  }

  bool ended_ = false;
  std::uint64_t bytes_ = 0;        // of what is open
  std::vector<Row> some_;
  std::vector<RawSeries> open_;    // one, or all of a table that is gathered
  std::unordered_map<std::string, std::size_t> places_;  // in open_
  std::vector<RawSeries> done_;
  std::unordered_set<std::string> closed_;
};

// A column per series: all of them end with the last row.
class WideTable final : public GriddedTable {
 public:
  WideTable(const SeriesTableInput& input, const SeriesOptions& options, CategoryNumbers& numbers, Log& log)
      : GriddedTable(input, options, numbers, log), all_(rows_.columns().values.size()) {
    if (options.series || !options.features.empty() || !options.categories.empty()) {
      throw user_error("--layout wide has a column per series: leave out --series, --features and --categories");
    }
    for (std::size_t i = 0; i < all_.size(); ++i) all_[i].id = rows_.columns().names[rows_.columns().values[i]];
    if (all_.empty()) throw user_error("{}: has no column left for a series", input_.files.front().name);
  }

  bool next(std::vector<Series>& series) override {
    series.clear();
    if (ended_) return false;
    ended_ = true;
    const bool times = rows_.columns().time.has_value();
    const TimeStamp start = times ? 0 : given_start(options_);
    const Frequency step = times ? Frequency() : required_frequency(options_);
    std::uint64_t bytes = 0;
    std::int64_t point = 0;
    for (std::vector<Row> rows; rows_.next(rows);) {
      for (const Row& row : rows) {
        const TimeStamp time = times ? row.time : formats::step_time(formats::floor_time(start, step.unit), step, point++);
        for (std::size_t i = 0; i < all_.size(); ++i) {
          all_[i].source = row.source;
          all_[i].rows.push_back({time, row.values[i], {}, row.line});
        }
        bytes += all_.size() * sizeof(Observation);
        if (bytes > input_.memory) refuse_memory(input_, "it has a column per series, so that all are read before one is whole");
      }
    }
    if (all_.front().rows.empty()) throw user_error("{}: holds no row", input_.files.front().name);
    find_frequency(all_);
    for (RawSeries& raw : all_) {
      series.push_back(on_grid(raw, *frequency_));
      raw = RawSeries();
    }
    return true;
  }

 private:
  bool ended_ = false;
  std::vector<RawSeries> all_;
};

// A row per series, its values one after the other; rows may end early.
class RowTable final : public GriddedTable {
 public:
  RowTable(const SeriesTableInput& input, const SeriesOptions& options, CategoryNumbers& numbers, Log& log)
      : GriddedTable(input, options, numbers, log) {
    if (!options.features.empty()) throw user_error("--layout rows has one number per column and series: leave out --features");
    frequency_ = required_frequency(options);
    if (!rows_.columns().time) start_ = given_start(options);
  }

  bool next(std::vector<Series>& series) override {
    series.clear();
    std::vector<Row> rows;
    if (!rows_.next(rows)) return false;
    for (Row& row : rows) {
      while (!row.values.empty() && std::isnan(row.values.back())) row.values.pop_back();
      Series& one = series.emplace_back();
      one.start = formats::floor_time(start_.value_or(row.time), frequency_->unit);
      one.target = std::move(row.values);
      one.cat = categories_of(row);
      one.item_id = row.id;
      one.source = row.source;
      one.line = row.line;
    }
    return true;
  }

 private:
  std::optional<TimeStamp> start_;
};

}  // namespace

std::vector<std::string> column_names_in(const SeriesOptions& options) {
  std::vector<std::string> names = options.values;
  names.insert(names.end(), options.features.begin(), options.features.end());
  names.insert(names.end(), options.categories.begin(), options.categories.end());
  if (options.series) names.push_back(*options.series);
  if (options.time) names.push_back(*options.time);
  return names;
}

std::unique_ptr<SeriesTable> open_series_table(const SeriesTableInput& input, const SeriesOptions& options,
                                               CategoryNumbers& numbers, Log& log) {
  const std::string layout = options.layout.value_or("long");
  if (layout == "wide") return std::make_unique<WideTable>(input, options, numbers, log);
  if (layout == "rows") return std::make_unique<RowTable>(input, options, numbers, log);
  return std::make_unique<LongTable>(input, options, numbers, log);
}

}  // namespace smtrain::run
