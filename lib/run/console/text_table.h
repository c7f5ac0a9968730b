// Aligned columns of text for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace smtrain::run {

constexpr std::size_t kTextWidth = 100;

/// Lines of at most `width` code points, broken at blanks; a longer word stands alone.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

/// Rows of cells, first row the heading. Numbers stand right, other columns left; two blanks between columns, no blank at a
/// line's end. Columns beyond `width` characters are left out and counted in `left_out`, when it is given; the first column
/// always stays. Widths count code points.
std::string text_table(const std::vector<std::vector<std::string>>& rows, std::size_t width = kTextWidth, std::size_t* left_out = nullptr);

/// "name  text", names padded to the longest; continuation lines of a text are indented, and what passes kTextWidth is wrapped.
std::string text_fields(const std::vector<std::pair<std::string, std::string>>& fields);

/// A number for people: at most `digits` significant digits, no exponent where it stays short.
std::string brief(double value, int digits = 5);

/// "12.5 %", and "0 %" or "100 %" only when exact.
std::string percent(std::uint64_t part, std::uint64_t whole);

}  // namespace smtrain::run
