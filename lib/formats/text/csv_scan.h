// The grammar of CSV: where records and fields end, quotes and blanks taken into account.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "formats/content_type.h"

namespace smtrain::formats {

struct CsvDialect {
  char delimiter = ',';
  char quote = '"';  ///< 0: no quoting

  /// A blank around a field, which says nothing.
  bool blank(char c) const { return (c == ' ' || c == '\t' || c == '\r') && c != delimiter; }
};

/// The dialect that the parameters delimiter and quote ask for. A user Error for what cannot be, and for an encoding or
/// charset other than UTF-8.
CsvDialect csv_dialect(const ContentType& type);

/// How a search for the end of a record came out.
struct CsvLineEnd {
  const char* at = nullptr;   ///< the line feed, or null when there is none
  bool open_quote = false;    ///< the bytes end inside quotes
};

/// The line feed that ends the record at p; those inside a quoted field do not count.
CsvLineEnd find_line_end(const char* p, const char* end, CsvDialect dialect);

/// Whether [p, line_end) holds nothing but blanks.
bool is_blank_line(const char* p, const char* line_end, CsvDialect dialect);

/// One field as it stands.
struct CsvField {
  std::string_view text;      ///< without surrounding blanks and quotes; doubled quotes still doubled
  const char* end = nullptr;  ///< at the delimiter or line feed that ends it, or the end of the bytes
  bool quoted = false;
  enum class Flaw { none, open_quote, text_after_quote } flaw = Flaw::none;
};

/// The field at p. Never reads at or beyond `end`.
CsvField read_field(const char* p, const char* end, CsvDialect dialect);

/// Fields of the record at p, up to its line feed or `end`.
std::size_t count_fields(const char* p, const char* end, CsvDialect dialect);

/// The text of a quoted field with its doubled quotes made single.
std::string with_single_quotes(std::string_view text, char quote);

/// The texts of the fields of one record, doubled quotes made single.
std::vector<std::string> field_texts(const char* p, const char* end, CsvDialect dialect);

}  // namespace smtrain::formats
