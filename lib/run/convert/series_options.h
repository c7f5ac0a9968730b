// What a conversion of time series is told: where a table has them, on which grid they lie.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "run/flags/flags.h"

namespace smtrain::run {

struct SeriesOptions {
  std::optional<std::string> layout;      ///< long, wide, rows
  std::optional<std::string> series;      ///< column with the name of a row's series
  std::optional<std::string> time;        ///< column
  std::vector<std::string> values;        ///< columns
  std::vector<std::string> features;      ///< columns of dynamic_feat
  std::vector<std::string> categories;    ///< columns of cat
  std::optional<std::string> save_categories, categories_from;  ///< files that number the texts of those columns
  std::optional<std::string> frequency;   ///< "15min", "H", "D", ...
  std::optional<std::string> start;       ///< time of the first point where a table has no times
};

/// The flags of the above, for the table of flags.
std::vector<Flag> series_flags();

}  // namespace smtrain::run
