// EncodingPlan: what is asked of the columns of a CSV.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace smtrain::formats {

/// What is asked for, as typed; lists of columns as column_list.h reads them.
struct EncodingPlan {
  std::optional<std::string> columns;       ///< the features, in this order; else all but the label
  std::optional<std::string> drop;
  std::optional<std::string> label;
  std::optional<std::string> one_hot;       ///< or "all": every column with text
  std::optional<std::string> ordinal;       ///< or "all"
  std::vector<std::string> missing;         ///< [COLUMN=]RULE: refuse, drop, mean, median, nan, a number; +indicator behind it
  std::vector<std::string> missing_texts;
};

}  // namespace smtrain::formats
