#include "formats/series/series.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/text.h"
#include "formats/json/json_records.h"
#include "formats/text/lines.h"

namespace smtrain::formats {
namespace {

constexpr TimeStamp kLastTime = 253402300799;  // the end of year 9999

}  // namespace

std::string Series::where() const {
  const std::string name = source == nullptr ? std::string() : *source;
  return line == 0 ? fmt::format("{}, row {}", name, row) : line_place(name, line);
}

void check_series(const Series& series) {
  if (series.start > kLastTime) throw user_error("start: {} lies beyond the year 9999", format_time(series.start));
  for (std::size_t k = 0; k < series.dynamic_feat.size(); ++k) {
    const std::vector<double>& row = series.dynamic_feat[k];
    if (row.size() < series.target.size()) {
      throw user_error(
          "dynamic_feat[{}]: {} values, expected as many as target has ({}) in training, and prediction_length more at inference",
          k, row.size(), series.target.size());
    }
    const auto missing = std::find_if(row.begin(), row.end(), [](double v) { return std::isnan(v); });
    if (missing != row.end())
      throw user_error("dynamic_feat[{}][{}]: is missing; features must have all values", k, missing - row.begin());
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
    throw user_error("{}: cat: {} categories, expected {} as in {}; all series must have as many", series.where(),
                     series.cat.size(), first_->cat.size(), first_->where());
  }
  if (series.dynamic_feat.size() != first_->dynamic_feat.size()) {
    throw user_error("{}: dynamic_feat: {} features, expected {} as in {}; all series must have as many", series.where(),
                     series.dynamic_feat.size(), first_->dynamic_feat.size(), first_->where());
  }
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
