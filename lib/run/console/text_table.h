// Aligned columns of text for people.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace smtrain::run {

/// Rows of cells, first row the heading. Numbers stand right, other columns left; two blanks between columns, no blank at a
/// line's end. Columns beyond `width` characters are left out and counted in `left_out`, when it is given; the first column
/// always stays. Widths count code points.
std::string text_table(const std::vector<std::vector<std::string>>& rows, std::size_t width = 100, std::size_t* left_out = nullptr);

/// "name  text", names padded to the longest; continuation lines of a text are indented.
std::string text_fields(const std::vector<std::pair<std::string, std::string>>& fields);

/// A number for people: at most `digits` significant digits, no exponent where it stays short.
std::string brief(double value, int digits = 5);

/// "12.5 %", and "0 %" or "100 %" only when exact.
std::string percent(std::uint64_t part, std::uint64_t whole);

}  // namespace smtrain::run
