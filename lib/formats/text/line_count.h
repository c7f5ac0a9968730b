// Lines of a block of text, counted at the speed of reading it.
#pragma once

#include <cstddef>

namespace smtrain::formats {

/// Counts that tell whether every line of some bytes is a record.
struct LineCount {
  std::size_t lines = 0;       ///< line feeds
  std::size_t suspicious = 0;  ///< line feeds before a byte that may begin a blank line
};

/// Counts in bytes whose last one is a line feed; the last line feed is never suspicious.
LineCount count_lines(const char* p, const char* end);

/// Whether a line that begins with c may be blank.
inline bool may_begin_blank_line(char c) { return static_cast<unsigned char>(c) <= ' '; }

}  // namespace smtrain::formats
