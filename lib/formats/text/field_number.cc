#include "formats/text/field_number.h"

#include <fast_float/fast_float.h>

#include <cmath>

namespace smtrain::formats {

std::optional<double> field_number(std::string_view field) {
  if (field.starts_with('+')) {
    field.remove_prefix(1);
    if (field.starts_with('+') || field.starts_with('-')) return std::nullopt;
  }
  double value = 0;
  const auto [end, error] = fast_float::from_chars(field.data(), field.data() + field.size(), value);
  if (error != std::errc() || end != field.data() + field.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

bool looks_like_date(std::string_view field) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::size_t at = 0, groups = 0;
  char separator = 0;
  while (at < field.size() && groups < 3) {
    const std::size_t begin = at;
    while (at < field.size() && is_digit(field[at])) ++at;
    if (at == begin || at - begin > 4) return false;
    if (++groups == 3) break;
    if (at == field.size() || (field[at] != '-' && field[at] != '/' && field[at] != '.' && field[at] != ':')) return false;
    if (separator != 0 && field[at] != separator) return false;
    separator = field[at++];
  }
  return groups == 3 && (at == field.size() || field[at] == ' ' || field[at] == 'T' || field[at] == 't' || field[at] == '.');
}

}  // namespace smtrain::formats
