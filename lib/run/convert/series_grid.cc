// Categories and grids of series_table.h.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "run/convert/series_table.h"

namespace smtrain::run {
namespace {

using formats::Frequency;
using formats::Series;
using formats::TimeStamp;

// A wrong year among good ones would fill the output with missing values.
constexpr std::int64_t kMostEmptyPoints = 1'000'000, kMostPointsPerRow = 1000;

std::string place(const RawSeries& raw, const Observation& row) {
  return fmt::format("{}:{}{}", *raw.source, row.line, raw.id.empty() ? "" : fmt::format(": series {}", smtrain::quoted(raw.id)));
}

std::int64_t point_of(const RawSeries& raw, const Observation& row, TimeStamp start, Frequency frequency) {
  if (const auto steps = formats::steps_between(start, row.time, frequency)) return *steps;
  throw user_error("{}: {} lies between two points of {} from {} on; give the distance of the points with --frequency",
                   place(raw, row), formats::format_time(row.time), formats::format_frequency(frequency),
                   formats::format_time(start));
}

void add_features(Series& series, const RawSeries& raw, const Observation& row) {
  for (std::size_t k = 0; k < row.features.size(); ++k) {
    if (std::isnan(row.features[k]))
      throw user_error("{}: feature {} is missing; features must have all values", place(raw, row), k);
    series.dynamic_feat[k].push_back(row.features[k]);
  }
}

}  // namespace

Series on_grid(RawSeries& raw, Frequency frequency) {
  std::stable_sort(raw.rows.begin(), raw.rows.end(), [](const Observation& a, const Observation& b) { return a.time < b.time; });
  Series series;
  series.item_id = raw.id;
  series.cat = raw.cat;
  series.source = raw.source;
  series.line = raw.rows.front().line;
  series.start = formats::floor_time(raw.rows.front().time, frequency.unit);
  series.dynamic_feat.resize(raw.rows.front().features.size());
  const Observation* before = nullptr;
  for (const Observation& row : raw.rows) {
    const auto have = static_cast<std::int64_t>(series.target.size());
    const std::int64_t point = point_of(raw, row, series.start, frequency);
    if (point < have) {
      throw user_error(
          "{}: {} is the same point as line {}, with {} from point to point; leave one out, or put them together, or say a "
          "shorter --frequency",
          place(raw, row), formats::format_time(row.time), before->line, formats::format_frequency(frequency));
    }
    if (point - have > kMostEmptyPoints + kMostPointsPerRow * static_cast<std::int64_t>(raw.rows.size())) {
      throw user_error(
          "{}: {} lies {} points behind the time before it; is it right, and is {} the distance of the points (--frequency)?",
          place(raw, row), formats::format_time(row.time), point - have, formats::format_frequency(frequency));
    }
    if (point > have && !row.features.empty()) {
      throw user_error(
          "{}: no row for {}; features must have all values: add rows for all times, with an empty value where it is missing",
          place(raw, row), formats::format_time(formats::step_time(series.start, frequency, have)));
    }
    series.target.resize(static_cast<std::size_t>(point), std::nan(""));
    series.target.push_back(row.value);
    add_features(series, raw, row);
    before = &row;
  }
  return series;
}

CategoryNumbers::CategoryNumbers(const SeriesOptions& options)
    : columns_(options.categories), save_(options.save_categories), from_(options.categories_from), texts_(columns_.size()),
      numbers_(columns_.size()) {
  if (save_ && from_) throw user_error("--categories-from uses numbers and --save-categories writes new ones; give one of them");
  if (columns_.empty() && (save_ || from_))
    throw user_error("--save-categories and --categories-from number the columns of --categories; name them");
  if (!from_) return;
  const auto saved = nlohmann::json::parse(read_file(*from_), nullptr, false);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (!saved.is_object() || !saved.contains(columns_[i]) || !saved[columns_[i]].is_array()) {
      throw user_error("{}: has no list of the texts of {}, expected what --save-categories writes, such as {}", *from_,
                       smtrain::quoted(columns_[i]), R"({"shop":["north","south"]})");
    }
    for (const auto& text : saved[columns_[i]]) {
      if (!text.is_string()) throw user_error("{}: {}: found {}, expected texts", *from_, columns_[i], text.dump());
      numbers_[i].emplace(text.get<std::string>(), static_cast<std::uint32_t>(texts_[i].size()));
      texts_[i].push_back(text.get<std::string>());
    }
  }
}

std::uint32_t CategoryNumbers::number(std::size_t column, const std::string& text) {
  if (!save_ && !from_) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size() && number <= 0x7FFFFFFF) return number;
    throw user_error(
        "category {}: {} is no integer from 0; number the texts with --save-categories FILE, and again with --categories-from "
        "FILE",
        columns_[column], smtrain::quoted(text));
  }
  if (const auto found = numbers_[column].find(text); found != numbers_[column].end()) return found->second;
  if (from_) throw user_error("category {}: {} is not among the texts of {}", columns_[column], smtrain::quoted(text), *from_);
  const auto number = static_cast<std::uint32_t>(texts_[column].size());
  texts_[column].push_back(text);
  numbers_[column].emplace(text, number);
  return number;
}

void CategoryNumbers::save() const {
  if (!save_) return;
  nlohmann::ordered_json saved = nlohmann::ordered_json::object();
  for (std::size_t i = 0; i < columns_.size(); ++i) saved[columns_[i]] = texts_[i];
  AtomicFile file(*save_);
  file.write(saved.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  file.commit();
}

}  // namespace smtrain::run
