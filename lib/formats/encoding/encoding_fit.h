// Finds an Encoding: one pass over all records, then a decision for each column.
#pragma once

#include <functional>

#include "base/log.h"
#include "formats/encoding/encoding.h"
#include "formats/encoding/encoding_plan.h"
#include "formats/text/csv_records.h"

namespace smtrain::formats {

/// The mean is exact; the median too up to kMedianRows records, else that of a random sample of at least half as many. Does
/// not depend on the number of threads. Throws one user Error with all columns that cannot be features: text without --one-hot or
/// --ordinal, dates, missing values without a rule, no value at all, over kMaxCategories categories.
Encoding fit_encoding(CsvRecords& records, const EncodingPlan& plan, const std::function<void()>& progress, Log& log);

inline constexpr std::size_t kMaxCategories = 100'000;
inline constexpr std::size_t kMedianRows = 100'000;

}  // namespace smtrain::formats
