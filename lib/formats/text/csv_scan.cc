#include "formats/text/csv_scan.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace smtrain::formats {
namespace {

const char* find(const char* p, const char* end, char c) {
  return p == end ? nullptr : static_cast<const char*>(std::memchr(p, c, static_cast<std::size_t>(end - p)));
}

const char* skip_blanks(const char* p, const char* end, CsvDialect dialect) {
  while (p != end && dialect.blank(*p)) ++p;
  return p;
}

/// The closing quote of a field whose content begins at p, or null.
const char* closing_quote(const char* p, const char* end, char quote) {
  while ((p = find(p, end, quote)) != nullptr) {
    if (p + 1 == end || p[1] != quote) return p;
    p += 2;
  }
  return nullptr;
}

std::string_view trimmed(const char* first, const char* last, CsvDialect dialect) {
  first = skip_blanks(first, last, dialect);
  while (last != first && dialect.blank(last[-1])) --last;
  return {first, static_cast<std::size_t>(last - first)};
}

const char* field_end(const char* p, const char* end, char delimiter) {
  while (p != end && *p != delimiter && *p != '\n') ++p;
  return p;
}

CsvField read_quoted(const char* p, const char* end, CsvDialect dialect) {
  CsvField field;
  field.quoted = true;
  const char* close = closing_quote(p + 1, end, dialect.quote);
  if (close == nullptr) {
    field.flaw = CsvField::Flaw::open_quote;
    field.end = end;
    return field;
  }
  field.text = trimmed(p + 1, close, dialect);
  field.end = skip_blanks(close + 1, end, dialect);
  if (field.end != end && *field.end != dialect.delimiter && *field.end != '\n') {
    field.flaw = CsvField::Flaw::text_after_quote;
    field.end = field_end(field.end, end, dialect.delimiter);
  }
  return field;
}

char read_delimiter(const std::string& text) {
  constexpr std::pair<const char*, char> kNames[] = {{"tab", '\t'},  {"\\t", '\t'},       {"space", ' '}, {"comma", ','},
                                                     {"pipe", '|'}, {"semicolon", ';'}, {"colon", ':'}};
  const std::string lower = to_lower(text);
  for (const auto& [name, c] : kNames)
    if (lower == name) return c;
  const bool usable = text.size() == 1 && std::string_view("\n\r\"+-.").find(text[0]) == std::string_view::npos &&
                      !(text[0] >= '0' && text[0] <= '9') && static_cast<unsigned char>(text[0]) < 0x80;
  if (!usable)
    throw user_error(
        "content type parameter delimiter={}: expected one character that is no part of a number, or tab, space, comma, "
        "semicolon, pipe or colon",
        quoted(text));
  return text[0];
}

char read_quote(const std::string& text) {
  if (to_lower(text) == "none") return 0;
  if (text.size() != 1 || !(text[0] > ' ' && text[0] < 0x7F))
    throw user_error("content type parameter quote={}: expected one character, or none", quoted(text));
  return text[0];
}

void check_encoding(const ContentType& type, const std::string& name) {
  const std::optional<std::string> value = type.text(name);
  if (!value) return;
  const std::string lower = to_lower(*value);
  for (const char* known : {"utf-8", "utf8", "us-ascii", "ascii"})
    if (lower == known) return;
  throw user_error("content type parameter {}={}: expected utf-8; convert the file, for example with iconv", name, quoted(*value));
}

}  // namespace

CsvDialect csv_dialect(const ContentType& type) {
  CsvDialect dialect;
  if (const auto delimiter = type.text("delimiter")) dialect.delimiter = read_delimiter(*delimiter);
  if (const auto quote = type.text("quote")) dialect.quote = read_quote(*quote);
  if (dialect.quote == dialect.delimiter)
    throw user_error("content type {}: delimiter and quote are the same character", quoted(type.to_string()));
  check_encoding(type, "encoding");
  check_encoding(type, "charset");
  return dialect;
}

CsvLineEnd find_line_end(const char* p, const char* end, CsvDialect dialect) {
  const char* line_feed = find(p, end, '\n');
  const char* first_end = line_feed == nullptr ? end : line_feed;
  if (dialect.quote == 0 || find(p, first_end, dialect.quote) == nullptr) return {line_feed, false};
  while (true) {
    const CsvField field = read_field(p, end, dialect);
    if (field.flaw == CsvField::Flaw::open_quote) return {nullptr, true};
    if (field.end == end) return {nullptr, false};
    if (*field.end == '\n') return {field.end, false};
    p = field.end + 1;
  }
}

bool is_blank_line(const char* p, const char* line_end, CsvDialect dialect) {
  return skip_blanks(p, line_end, dialect) == line_end;
}

CsvField read_field(const char* p, const char* end, CsvDialect dialect) {
  p = skip_blanks(p, end, dialect);
  if (dialect.quote != 0 && p != end && *p == dialect.quote) return read_quoted(p, end, dialect);
  CsvField field;
  field.end = field_end(p, end, dialect.delimiter);
  field.text = trimmed(p, field.end, dialect);
  return field;
}

std::size_t count_fields(const char* p, const char* end, CsvDialect dialect) {
  for (std::size_t count = 1;; ++count) {
    p = read_field(p, end, dialect).end;
    if (p == end || *p == '\n') return count;
    ++p;
  }
}

std::string with_single_quotes(std::string_view text, char quote) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (text[i] == quote) ++i;
  }
  return out;
}

std::vector<std::string> field_texts(const char* p, const char* end, CsvDialect dialect) {
  std::vector<std::string> texts;
  while (true) {
    const CsvField field = read_field(p, end, dialect);
    texts.push_back(field.quoted ? with_single_quotes(field.text, dialect.quote) : std::string(field.text));
    p = field.end;
    if (p == end || *p == '\n') return texts;
    ++p;
  }
}

}  // namespace smtrain::formats
