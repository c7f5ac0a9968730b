#include "run/convert/convert_series.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/error.h"
#include "base/signals.h"
#include "base/text.h"
#include "formats/record_groups.h"
#include "formats/text/csv_guess.h"
#include "formats/text/csv_scan.h"
#include "run/convert/series_table.h"
#include "run/depfile.h"
#include "run/input_size.h"
#include "run/input_type.h"
#include "run/table_input.h"

namespace smtrain::run {
namespace {

using formats::Frequency;
using formats::Series;
using formats::TimeStamp;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kGroupBytes = std::size_t{16} << 20;
constexpr std::size_t kChunk = 16;  // series that a thread takes of a group

std::size_t weight_of(const Series& series) {
  return sizeof(Series) + series.target.size() * sizeof(double) * (1 + series.dynamic_feat.size());
}

// What all conversions of series tell while they run and at the end.
class Report {
 public:
  Report(const ConvertRequest& request, std::vector<formats::InputFile> files, Console& console)
      : request_(request), files_(std::move(files)), console_(console) {}

  void add(const std::vector<Series>& group, std::uint64_t consumed) {
    for (const Series& series : group) {
      points_ += series.target.size();
      missing_ += static_cast<std::uint64_t>(
          std::count_if(series.target.begin(), series.target.end(), [](double v) { return std::isnan(v); }));
    }
    series_ += group.size();
    const std::uint64_t total = total_size(files_);
    job::Progress progress;
    progress.phase = "converting";
    progress.fraction = total == 0 ? -1 : std::min(1.0, static_cast<double>(consumed) / static_cast<double>(total));
    progress.records = series_;
    console_.progress(progress);
  }

  void done(std::uint64_t bytes) {
    if (request_.depfile) {
      std::vector<std::string> inputs;
      for (const formats::InputFile& file : files_) inputs.push_back(file.path);
      if (request_.series.categories_from) inputs.push_back(*request_.series.categories_from);
      write_depfile(*request_.depfile, request_.output, inputs);
    }
    console_.info("{}: {} series of {} points, {} of them missing ({:.1f} %), {} written in {:.2f} s",
                  request_.output == "-" ? "standard output" : request_.output, grouped(series_), grouped(points_),
                  grouped(missing_), points_ == 0 ? 0.0 : 100 * static_cast<double>(missing_) / static_cast<double>(points_),
                  format_bytes(bytes), std::chrono::duration<double>(Clock::now() - start_).count());
  }
  std::uint64_t series() const { return series_; }

 private:
  const ConvertRequest& request_;
  std::vector<formats::InputFile> files_;
  Console& console_;
  Clock::time_point start_ = Clock::now();
  std::uint64_t series_ = 0, points_ = 0, missing_ = 0;
};

void write_series_of(const ConvertRequest& request, const SeriesTableInput& input, Console& console) {
  CategoryNumbers numbers(request.series);
  const auto table = open_series_table(input, request.series, numbers, console);
  Report report(request, input.files, console);
  formats::ChunkSink sink(request.output, input.blocks.threads);
  formats::RecordGroups<Series> groups([&](std::vector<Series>& some) { return table->next(some); }, kGroupBytes, weight_of);
  for (std::vector<Series> group; groups.next(group); throw_if_stopped()) {
    formats::write_group(sink, group, kChunk, formats::append_series);
    report.add(group, table->bytes_consumed());
  }
  if (report.series() == 0) throw user_error("{}: holds no row", request.input);
  numbers.save();
  sink.commit();
  report.done(sink.bytes());
}

SeriesTableInput table_input(const ConvertRequest& request, Console& console) {
  SeriesTableInput input;
  input.files = formats::expand_path(request.input);
  input.type = input_type(request.content_type, input.files);
  if (input.type.format != formats::Format::csv && input.type.format != formats::Format::parquet) {
    throw user_error("{}: is {}; a table of time series is read from CSV, TSV or Parquet", request.input, words_for(input.type.format));
  }
  input.blocks.threads = std::max(request.common.threads.value, 1);
  input.memory = request.common.memory_limit.value == 0 ? std::uint64_t{4} << 30 : request.common.memory_limit.value / 2;
  announce_terminal_input(request.input, console);
  input.type = formats::with_csv_guesses(input.type, input.files, column_names_in(request.series), console);
  return input;
}

// A field of CSV, in quotes where it must be.
void append_field(std::string& out, std::string_view text, char delimiter) {
  const char special[] = {delimiter, '"', '\n', '\r'};
  const bool plain =
      !text.empty() && text.find_first_of({special, sizeof special}) == std::string_view::npos && trim(text) == text;
  if (plain) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

void append_value(std::string& out, double value) {
  if (!std::isnan(value)) append_number(out, value);
}

// The long form: a row per series and point. Features that go beyond the target have rows of their own, the value left empty.
class LongWriter {
 public:
  LongWriter(const Series& first, Frequency frequency, char delimiter) : frequency_(frequency), delimiter_(delimiter) {
    for (const char* name : {"item_id", "time", "value"}) append_name(name);
    for (std::size_t i = 0; i < first.dynamic_feat.size(); ++i) append_name(fmt::format("feature_{}", i));
    for (std::size_t i = 0; i < first.cat.size(); ++i) append_name(fmt::format("cat_{}", i));
    header_.back() = '\n';
  }
  const std::string& header() const { return header_; }

  void append(std::string& out, const Series& series) const {
    std::size_t points = series.target.size();
    if (!series.dynamic_feat.empty()) {
      points = series.dynamic_feat.front().size();
      for (const auto& row : series.dynamic_feat) points = std::min(points, row.size());
    }
    const TimeStamp start = formats::floor_time(series.start, frequency_.unit);
    for (std::size_t i = 0; i < points; ++i) {
      append_field(out, series.item_id, delimiter_);
      out += delimiter_ + formats::format_time(formats::step_time(start, frequency_, static_cast<std::int64_t>(i))) + delimiter_;
      if (i < series.target.size()) append_value(out, series.target[i]);
      for (const auto& row : series.dynamic_feat) append_value(out += delimiter_, row[i]);
      for (const std::uint32_t cat : series.cat) (out += delimiter_) += std::to_string(cat);
      out += '\n';
    }
  }

 private:
  void append_name(std::string_view name) {
    header_ += name;
    header_ += delimiter_;
  }
  Frequency frequency_;
  char delimiter_;
  std::string header_;
};

// The wide form: a column per series, a row per point of any of them.
std::string wide_text(std::vector<Series>& all, Frequency frequency, char delimiter) {
  TimeStamp first = formats::floor_time(all.front().start, frequency.unit);
  for (Series& s : all) first = std::min(first, s.start = formats::floor_time(s.start, frequency.unit));
  std::string out = "time";
  std::vector<std::int64_t> offsets;
  std::int64_t points = 0;
  for (const Series& s : all) {
    append_field(out += delimiter, s.item_id, delimiter);
    const auto offset = formats::steps_between(first, s.start, frequency);
    if (!offset) {
      throw user_error("{}: start {} lies between two points of {} from {} on; say a shorter --frequency", s.where(),
                       formats::format_time(s.start), formats::format_frequency(frequency), formats::format_time(first));
    }
    offsets.push_back(*offset);
    points = std::max(points, *offset + static_cast<std::int64_t>(s.target.size()));
  }
  out += '\n';
  for (std::int64_t i = 0; i < points; ++i) {
    out += formats::format_time(formats::step_time(first, frequency, i));
    for (std::size_t k = 0; k < all.size(); ++k) {
      const std::int64_t at = i - offsets[k];
      out += delimiter;
      if (at >= 0 && at < static_cast<std::int64_t>(all[k].target.size()))
        append_value(out, all[k].target[static_cast<std::size_t>(at)]);
    }
    out += '\n';
  }
  return out;
}

// Series of files in groups, those without a name numbered.
class SeriesInput {
 public:
  SeriesInput(const ConvertRequest& request, Console& console, bool numbered)
      : files_(formats::series_files(formats::expand_path(request.input), request.content_type.has_value(), console)) {
    formats::BlockTeamOptions blocks;
    blocks.threads = std::max(request.common.threads.value, 1);
    announce_terminal_input(request.input, console);
    reader_ = formats::open_series(files_, blocks, console);
    groups_ = std::make_unique<formats::RecordGroups<Series>>(
        [this, numbered](std::vector<Series>& some) {
          const bool more = reader_->next(some);
          for (Series& s : some) {
            if (numbered && s.item_id.empty()) s.item_id = std::to_string(count_);
            ++count_;
          }
          return more;
        },
        kGroupBytes, weight_of);
  }
  bool next(std::vector<Series>& group) { return groups_->next(group); }
  std::uint64_t bytes_consumed() const { return reader_->bytes_consumed(); }
  const std::vector<formats::InputFile>& files() const { return files_; }

 private:
  std::vector<formats::InputFile> files_;
  std::unique_ptr<formats::SeriesReader> reader_;
  std::unique_ptr<formats::RecordGroups<Series>> groups_;
  std::uint64_t count_ = 0;
};

Frequency frequency_of(const ConvertRequest& request) {
  if (request.series.frequency) {
    if (const auto frequency = formats::parse_frequency(*request.series.frequency)) return *frequency;
    throw user_error("--frequency {}: expected a positive integer, or none, and min, H, D, W or M",
                     smtrain::quoted(*request.series.frequency));
  }
  throw user_error(
      "DeepAR's records have a start and no times: say the distance of their points with --frequency, for example D or 15min");
}

void write_wide(const ConvertRequest& request, SeriesInput& input, char delimiter, formats::ChunkSink& sink, Report& report) {
  const std::uint64_t limit =
      request.common.memory_limit.value == 0 ? std::uint64_t{4} << 30 : request.common.memory_limit.value / 2;
  std::vector<Series> all;
  std::uint64_t bytes = 0;
  for (std::vector<Series> group; input.next(group); throw_if_stopped()) {
    report.add(group, input.bytes_consumed());
    for (Series& series : group) {
      // The text of a column takes more than its numbers.
      bytes += 3 * weight_of(series);
      if (bytes > limit)
        throw user_error("{}: a column per series takes more memory than half of --memory-limit; write --layout long",
                         request.input);
      all.push_back(std::move(series));
    }
  }
  if (!all.empty()) sink.write(wide_text(all, frequency_of(request), delimiter));
}

void write_long(const ConvertRequest& request, SeriesInput& input, char delimiter, formats::ChunkSink& sink, Report& report) {
  std::optional<LongWriter> writer;
  for (std::vector<Series> group; input.next(group); throw_if_stopped()) {
    if (!writer) sink.write(writer.emplace(group.front(), frequency_of(request), delimiter).header());
    formats::write_group(sink, group, kChunk, [&](std::string& out, const Series& series) { writer->append(out, series); });
    report.add(group, input.bytes_consumed());
  }
}

}  // namespace

void convert_to_series(const ConvertRequest& request, DataKind, DataKind, Console& console) {
  SeriesTableInput input = table_input(request, console);
  try {
    write_series_of(request, input, console);
  } catch (const SeriesApart& apart) {
    console.info("{}; so everything is read into memory before it is written", apart.where);
    input.gather = true;
    write_series_of(request, input, console);
  }
}

void convert_from_series(const ConvertRequest& request, DataKind, DataKind to, Console& console) {
  const bool json = to == DataKind::series;
  char delimiter = ',';
  if (!json) {
    const bool named = request.to && *request.to != name_of(DataKind::table);
    const formats::ContentType type = output_type(named ? request.to : std::nullopt, request.output);
    if (type.format != formats::Format::csv)
      throw user_error("{}: a table of time series is written as CSV or TSV", request.output);
    delimiter = formats::csv_dialect(type).delimiter;
    frequency_of(request);
  }
  SeriesInput input(request, console, !json);
  Report report(request, input.files(), console);
  formats::ChunkSink sink(request.output, std::max(request.common.threads.value, 1));
  const std::string layout = request.series.layout.value_or("long");
  if (json) {
    for (std::vector<Series> group; input.next(group); throw_if_stopped()) {
      formats::write_group(sink, group, kChunk, formats::append_series);
      report.add(group, input.bytes_consumed());
    }
  } else if (layout == "wide") {
    write_wide(request, input, delimiter, sink, report);
  } else if (layout == "long") {
    write_long(request, input, delimiter, sink, report);
  } else {
    throw user_error("--layout rows cannot tell when its series begin; write --layout long or wide");
  }
  sink.commit();
  report.done(sink.bytes());
}

}  // namespace smtrain::run
