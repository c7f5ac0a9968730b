// Numbers as text, for the writers of tables.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace smtrain::formats {

/// Room for any number of write_number and for one more character: the longest is -1.17549435e-38.
inline constexpr std::size_t kMaxNumber = 20;

/// Shortest digits that read back to the same bits; nan, inf, -inf for the rest. Returns where they end.
inline char* write_number(char* to, float value) {
  // Small integers, which tables are full of, go a shorter way.
  const auto whole = static_cast<std::int32_t>(std::abs(value) < 1e6f ? value : 0.0f);
  if (static_cast<float>(whole) == value && (whole != 0 || !std::signbit(value))) return std::to_chars(to, to + kMaxNumber, whole).ptr;
  if (std::isnan(value)) return std::copy_n("nan", 3, to);
  return std::to_chars(to, to + kMaxNumber, value).ptr;
}

}  // namespace smtrain::formats
