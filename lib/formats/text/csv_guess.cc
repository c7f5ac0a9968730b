#include "formats/text/csv_guess.h"

#include <algorithm>
#include <set>
#include <span>

#include "base/text.h"
#include "formats/io/file_head.h"
#include "formats/text/field_number.h"
#include "formats/text/lines.h"

namespace smtrain::formats {
namespace {

constexpr std::size_t kHeadBytes = std::size_t{1} << 20;

bool any_number(const std::vector<std::string>& fields) {
  return std::any_of(fields.begin(), fields.end(), [](const std::string& field) { return field_number(field).has_value(); });
}

bool is_number_or_empty(const std::string& field) { return field.empty() || to_lower(field) == "nan" || field_number(field).has_value(); }

struct Delimiter {
  char character;
  const char* name;
};
constexpr Delimiter kDelimiters[] = {{',', "comma"}, {'\t', "tab"}, {';', "semicolon"}, {'|', "pipe"}, {' ', "space"}};

// What a delimiter makes of lines.
enum class Fit { none, fields, numbers };

Fit fit_of(char delimiter, CsvDialect dialect, std::span<const std::string_view> lines) {
  dialect.delimiter = delimiter;
  const auto fields = [&](std::string_view line) { return field_texts(line.data(), line.data() + line.size(), dialect); };
  const std::size_t columns = fields(lines.front()).size();
  bool numbers = true;
  for (const std::string_view line : lines) {
    const std::vector<std::string> texts = fields(line);
    if (texts.size() != columns || columns == 1) return Fit::none;
    // The first line may be a header.
    const bool header = line.data() == lines.front().data() && lines.size() > 1;
    numbers = numbers && (header || std::all_of(texts.begin(), texts.end(), is_number_or_empty));
  }
  return numbers ? Fit::numbers : Fit::fields;
}

bool is_name(const std::string& column) { return column.empty() || column.find_first_not_of("0123456789-") != std::string::npos; }

}  // namespace

std::string_view csv_first_line(std::string_view text, CsvDialect dialect) {
  const CsvLineEnd found = find_line_end(text.data(), text.data() + text.size(), dialect);
  return found.at == nullptr ? text : text.substr(0, static_cast<std::size_t>(found.at - text.data()));
}

void guess_csv_delimiter(ContentType& type, std::string_view head, const std::string& source, Log& log) {
  if (type.parameters.contains("delimiter")) return;
  const std::string_view line = csv_first_line(head, csv_dialect(type));
  const auto fields = [&](char delimiter) {
    CsvDialect dialect = csv_dialect(type);
    dialect.delimiter = delimiter;
    return count_fields(line.data(), line.data() + line.size(), dialect);
  };
  if (fields(',') > 1) return;
  constexpr std::pair<char, const char*> kOthers[] = {{';', "semicolon"}, {'\t', "tab"}, {'|', "pipe"}};
  const auto best = std::max_element(std::begin(kOthers), std::end(kOthers),
                                     [&](const auto& a, const auto& b) { return fields(a.first) < fields(b.first); });
  if (fields(best->first) == 1) return;
  type.parameters["delimiter"] = best->second;
  log.info("{}: the fields are separated by {}s, as the first line has them", source, best->second);
}

void guess_delimiter_by_lines(ContentType& type, std::string_view head, const std::string& source, Log& log) {
  constexpr std::size_t kLines = 16;
  if (type.parameters.contains("delimiter")) return;
  const CsvDialect dialect = csv_dialect(type);
  std::vector<std::string_view> lines;
  for (std::string_view rest = head; !rest.empty() && lines.size() < kLines;) {
    const std::string_view line = csv_first_line(rest, dialect);
    // The last one may be cut off.
    if (line.size() == rest.size() && !lines.empty()) break;
    if (is_blank_line(line.data(), line.data() + line.size(), dialect)) break;
    lines.push_back(line);
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  }
  if (lines.empty()) return;
  const Delimiter* best = nullptr;
  Fit found = Fit::none;
  for (const Delimiter& delimiter : kDelimiters) {
    const Fit fit = fit_of(delimiter.character, dialect, lines);
    if (fit > found) {
      found = fit;
      best = &delimiter;
    }
  }
  if (best == nullptr || best->character == ',') return;
  type.parameters["delimiter"] = best->name;
  log.info("{}: the fields are separated by {}s, as the first lines have them", source, best->name);
}

void guess_csv_header(ContentType& type, std::string_view head, const std::string& source, Log& log) {
  if (type.parameters.contains("header")) return;
  const CsvDialect dialect = csv_dialect(type);
  const std::string_view first = csv_first_line(head, dialect);
  if (first.size() == head.size()) return;
  const std::string_view second = csv_first_line(head.substr(first.size() + 1), dialect);
  const auto names = field_texts(first.data(), first.data() + first.size(), dialect);
  const auto values = field_texts(second.data(), second.data() + second.size(), dialect);
  const std::set<std::string> distinct(names.begin(), names.end());
  if (any_number(names) || names.size() != values.size() || distinct.size() != names.size() || distinct.contains("")) return;
  if (!any_number(values)) {
    log.warning("{}: the first two lines hold text alone, so that nothing tells whether the first, {}, names the columns; it is taken as a "
                "record. Say --content-type \"text/csv;header=true\" if it is a header, or header=false", source, smtrain::quoted(first));
    return;
  }
  type.parameters["header"] = "true";
  log.info("{}: the first line is taken as a header: {}; say --content-type \"text/csv;header=false\" when it is a record",
           source, smtrain::quoted(first));
}

ContentType with_csv_guesses(ContentType type, const std::vector<InputFile>& files, const std::vector<std::string>& columns, Log& log) {
  if (type.format != Format::csv) return type;
  if (!type.parameters.contains("header") && std::any_of(columns.begin(), columns.end(), is_name)) type.parameters["header"] = "true";
  if (type.parameters.contains("header") && type.parameters.contains("delimiter")) return type;
  for (const InputFile& file : files) {
    if (!file.rewindable) break;
    const std::string head = file_head(file, kHeadBytes);
    const std::string_view text = without_bom(head);
    if (text.empty()) continue;
    guess_csv_delimiter(type, text, file.name, log);
    guess_csv_header(type, text, file.name, log);
    type.parameters.emplace("header", "false");  // once it was told that nothing tells
    break;
  }
  return type;
}

}  // namespace smtrain::formats
