#include "run/inspect/summarize_series.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "formats/series/series.h"
#include "run/console/text_table.h"
#include "run/inspect/reading.h"

namespace smtrain::run {
namespace {

constexpr std::size_t kValuesShown = 8;

struct Totals {
  formats::TimeStamp earliest = 0, latest = 0;
  std::uint64_t observations = 0, missing = 0;
  Range length, value;
  formats::SeriesShape shape;
  std::vector<std::map<std::string, std::uint64_t>> categories;
  bool any = false;

  void add(const formats::Series& series);
};

void Totals::add(const formats::Series& series) {
  shape.check(series);
  earliest = any ? std::min(earliest, series.start) : series.start;
  latest = any ? std::max(latest, series.start) : series.start;
  any = true;
  length.add(static_cast<double>(series.target.size()));
  observations += series.target.size();
  for (const double x : series.target) {
    if (std::isnan(x)) ++missing;
    else value.add(x);
  }
  categories.resize(series.cat.size());
  for (std::size_t i = 0; i < series.cat.size(); ++i) ++categories[i][std::to_string(series.cat[i])];
}

std::string in_short(const formats::Series& series) {
  std::string text = series.item_id.empty() ? "" : series.item_id + " ";
  text += formats::format_time(series.start);
  for (std::size_t i = 0; i < std::min(series.target.size(), kValuesShown); ++i) {
    text += std::isnan(series.target[i]) ? " -" : " " + brief(series.target[i]);
  }
  return text + (series.target.size() > kValuesShown ? fmt::format(" … ({} values)", grouped(series.target.size())) : "");
}

}  // namespace

RecordSummary summarize_series(const InspectRequest& request, DataKind kind, Console&) {
  Reading reading(request, kind, formats::expand_path(request.path));
  RecordSummary& summary = reading.summary();
  const auto reader = formats::open_series(formats::series_files(reading.files(), request.content_type.has_value(), reading.log()),
                                           reading.team(), reading.log());
  Totals totals;
  std::vector<formats::Series> batch;
  reading.read(
      [&] {
        if (!reader->next(batch)) return false;
        for (const formats::Series& series : batch) {
          totals.add(series);
          ++summary.records;
          if (summary.first.size() < Reading::kFirst) summary.first.push_back(in_short(series));
        }
        return true;
      },
      [&] { return reader->bytes_consumed(); });
  if (!totals.any) return std::move(summary);
  summary.facts.push_back(totals.length.fact("length"));
  summary.facts.push_back(number_fact("observations", totals.observations));
  summary.facts.push_back(number_fact("missing", totals.missing));
  summary.facts.push_back(totals.value.fact("values"));
  summary.facts.push_back(text_fact("earliest start", formats::format_time(totals.earliest)));
  summary.facts.push_back(text_fact("latest start", formats::format_time(totals.latest)));
  summary.facts.push_back(number_fact("dynamic features", totals.shape.features()));
  summary.facts.push_back(number_fact("categories", totals.categories.size()));
  for (std::size_t i = 0; i < totals.categories.size(); ++i) {
    summary.facts.push_back(count_fact(fmt::format("category {}", i), totals.categories[i]));
  }
  return std::move(summary);
}

}  // namespace smtrain::run
