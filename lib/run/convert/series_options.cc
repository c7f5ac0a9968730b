#include "run/convert/series_options.h"

#include "run/flags/flag_words.h"

namespace smtrain::run {

std::vector<Flag> series_flags() {
  using namespace flag_words;
  return {
      choice_flag("layout", {"long", "wide", "rows"}, "long",
                  "How a table has its time series: a row per series and time, a column per series, or a row per series."),
      flag("series", FlagValue::text, "COLUMN", "The column that names the series of a row; without it all rows are of one."),
      flag("time", FlagValue::text, "COLUMN", "The column with the times, such as 2020-01-31 10:30:00."),
      flag("value", FlagValue::text, "COLUMNS",
           "The column with the values; with --layout wide the columns that are series (default: all others)."),
      flag("features", FlagValue::text, "COLUMNS", "Columns that go along with the values, as dynamic_feat."),
      flag("categories", FlagValue::text, "COLUMNS",
           "Columns that say what kind a series is, as cat: integers from 0, or texts to be numbered."),
      flag("save-categories", FlagValue::path, "FILE", "Writes the numbers that texts of --categories got."),
      flag("categories-from", FlagValue::path, "FILE", "Uses numbers that were saved; other texts are refused."),
      flag("frequency", FlagValue::text, "FREQ",
           "Distance of two points: a number, or none, and min, H, D, W or M. Found in the times when absent."),
      flag("start", FlagValue::text, "TIME", "Time of the first point of all series, where a table has no times."),
  };
}

}  // namespace smtrain::run
