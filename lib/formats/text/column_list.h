// Lists of columns as typed: names, numbers from 0 or negative from the end, ranges.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace smtrain::formats {

/// "age,2,5-9,-1" as column numbers, in this order. A name comes before a number of the same text; a name with commas or quotes
/// is quoted as in CSV. Throws a user Error that begins with `flag`, such as "--drop", and knows near names.
std::vector<std::size_t> parse_columns(std::string_view list, std::span<const std::string> names, std::size_t columns,
                                       std::string_view flag);

/// One column.
std::size_t parse_column(std::string_view column, std::span<const std::string> names, std::size_t columns, std::string_view flag);

}  // namespace smtrain::formats
