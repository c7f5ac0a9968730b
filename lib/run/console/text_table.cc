#include "run/console/text_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace smtrain::run {
namespace {

std::size_t length_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; }));
}

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789.,+-e %naif") == std::string::npos;
}

struct Column {
  std::size_t width = 0;
  bool right = true;
};

Column column_of(const std::vector<std::vector<std::string>>& rows, std::size_t j) {
  Column column;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (j >= rows[i].size()) continue;
    column.width = std::max(column.width, length_of(rows[i][j]));
    if (i > 0 && !rows[i][j].empty()) column.right = column.right && is_number(rows[i][j]);
  }
  return column;
}

std::string padded(const std::string& text, const Column& column) {
  const std::string blanks(column.width - length_of(text), ' ');
  return column.right ? blanks + text : text + blanks;
}

}  // namespace

std::string text_table(const std::vector<std::vector<std::string>>& rows, std::size_t width, std::size_t* left_out) {
  std::size_t columns = 0, used = 0;
  for (const auto& row : rows) columns = std::max(columns, row.size());
  std::vector<Column> shown;
  for (std::size_t j = 0; j < columns; ++j) {
    const Column column = column_of(rows, j);
    used += column.width + (j == 0 ? 0 : 2);
    if (j > 0 && used > width) break;
    shown.push_back(column);
  }
  if (left_out != nullptr) *left_out = columns - shown.size();
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t j = 0; j < shown.size(); ++j) line += (j == 0 ? "" : "  ") + padded(j < row.size() ? row[j] : "", shown[j]);
    line.resize(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  for (const std::string_view word : split(text, ' ')) {
    if (word.empty()) continue;
    if (lines.empty() || length_of(lines.back()) + 1 + length_of(word) > width) lines.emplace_back(word);
    else lines.back().append(" ").append(word);
  }
  return lines;
}

std::string text_fields(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::size_t names = 0;
  for (const auto& [name, text] : fields) names = std::max(names, length_of(name));
  const std::size_t column = names + 2, width = kTextWidth - std::min(column, kTextWidth / 2);
  std::string out;
  for (const auto& [name, text] : fields) {
    out += name + std::string(column - length_of(name), ' ');
    std::string separator;
    for (const std::string_view line : split(text, '\n')) {
      const std::vector<std::string> lines = length_of(line) > width ? wrap(line, width) : std::vector<std::string>{std::string(line)};
      for (const std::string& part : lines) {
        out += separator + part;
        separator = "\n" + std::string(column, ' ');
      }
    }
    out += "\n";
  }
  return out;
}

std::string brief(double value, int digits) {
  const double size = value < 0 ? -value : value;
  const bool long_but_plain = size >= 1e4 && size < 1e12;
  return long_but_plain ? fmt::format("{:.0f}", value) : fmt::format("{:.{}g}", value, digits);
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0 || part == 0) return "0 %";
  if (part == whole) return "100 %";
  const double share = 100.0 * static_cast<double>(part) / static_cast<double>(whole);
  if (share < 0.1) return "< 0.1 %";
  if (share > 99.9) return "> 99.9 %";
  return fmt::format("{:.1f} %", share);
}

}  // namespace smtrain::run
