#include "formats/text/column_list.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "formats/text/csv_scan.h"

namespace smtrain::formats {
namespace {

std::optional<long> as_integer(std::string_view text) {
  long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::pair<long, long>> as_range(std::string_view text) {
  const std::size_t dash = text.find('-', 1);
  if (dash >= text.size()) return std::nullopt;
  const auto first = as_integer(text.substr(0, dash)), last = as_integer(text.substr(dash + 1));
  if (!first || !last || *first < 0 || *last < *first) return std::nullopt;
  return std::pair(*first, *last);
}

std::size_t checked(long index, std::size_t columns, std::string_view item, std::string_view flag) {
  const long count = static_cast<long>(columns);
  if (index >= count || index < -count) {
    throw user_error("{} {}: there are {} columns; expected 0 to {}, or -1 to -{} from the end", flag, item, columns, columns - 1,
                     columns);
  }
  return static_cast<std::size_t>(index < 0 ? index + count : index);
}

}  // namespace

std::size_t parse_column(std::string_view column, std::span<const std::string> names, std::size_t columns,
                         std::string_view flag) {
  if (const auto named = std::find(names.begin(), names.end(), column); named != names.end()) {
    return static_cast<std::size_t>(named - names.begin());
  }
  if (const auto index = as_integer(column)) return checked(*index, columns, column, flag);
  if (names.empty()) {
    throw user_error(
        "{} {}: the columns have no names; expected a number from 0 to {}, or --content-type \"text/csv;header=true\" when the "
        "first line names them",
        flag, smtrain::quoted(column), columns - 1);
  }
  throw user_error("{} {}: there is no such column{}; the columns are {}", flag, smtrain::quoted(column), did_you_mean(column, names),
                   smtrain::quoted(join(names, ", "), 400));
}

std::vector<std::size_t> parse_columns(std::string_view list, std::span<const std::string> names, std::size_t columns,
                                       std::string_view flag) {
  std::vector<std::size_t> chosen;
  const auto add = [&](std::size_t column) {
    if (std::find(chosen.begin(), chosen.end(), column) != chosen.end()) {
      throw user_error("{} {}: column {} is given twice", flag, list,
                       names.empty() ? std::to_string(column) : smtrain::quoted(names[column]));
    }
    chosen.push_back(column);
  };
  for (const std::string& item : field_texts(list.data(), list.data() + list.size(), CsvDialect{})) {
    const bool is_name = std::find(names.begin(), names.end(), item) != names.end();
    if (const auto range = as_range(item); range && !is_name) {
      for (long i = range->first; i <= range->second; ++i) add(checked(i, columns, item, flag));
    } else {
      add(parse_column(item, names, columns, flag));
    }
  }
  return chosen;
}

}  // namespace smtrain::formats
