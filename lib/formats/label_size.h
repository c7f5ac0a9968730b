// How many leading columns are labels, in formats whose columns have no names of their own.
#pragma once

#include <cstddef>
#include <string>

#include "base/log.h"
#include "formats/table_parser.h"

namespace smtrain::formats {

/// As the content type's label_size says; else 1 for supervised channels; else by feature_dim, or 0, with one warning that says
/// what was assumed (data-formats.md §2). Columns that are neither labels nor features are not among `columns`. Throws a user
/// Error for a label_size below 0, where no column would be left, and where feature_dim fits neither.
std::size_t label_size_of(const TableOptions& options, std::size_t columns, const std::string& where, Log& log);

}  // namespace smtrain::formats
