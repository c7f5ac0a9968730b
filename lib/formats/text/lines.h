// Lines of a block of text.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/text.h"
#include "formats/text/blank_lines.h"

namespace smtrain::formats {

inline constexpr std::string_view kBom = "\xEF\xBB\xBF";

inline std::string_view without_bom(std::string_view text) { return text.starts_with(kBom) ? text.substr(kBom.size()) : text; }

/// "train/a.jsonl:12"
inline std::string line_place(const std::string& source, std::uint64_t line) { return fmt::format("{}:{}", source, line); }

/// The lines of a text, trimmed, with their numbers; those that are blank left out or not.
class Lines {
 public:
  /// `first`: number of the text's first line.
  Lines(std::string_view text, std::uint64_t first, BlankLines blank = BlankLines::skipped)
      : text_(text), number_(first - 1), blank_(blank) {}
  bool next() {
    while (at_ < text_.size()) {
      const std::size_t end = std::min(text_.find('\n', at_), text_.size());
      line_ = trim(text_.substr(at_, end - at_));
      length_ = end - at_;
      at_ = end + 1;
      ++number_;
      if (!line_.empty() || blank_ == BlankLines::records) return true;
    }
    return false;
  }
  std::string_view line() const { return line_; }
  std::uint64_t number() const { return number_; }
  /// Bytes of the line as it stands, its end left out.
  std::size_t length() const { return length_; }
  /// Readable bytes behind line().
  std::size_t behind() const { return text_.size() - static_cast<std::size_t>(line_.data() + line_.size() - text_.data()); }

 private:
  std::string_view text_, line_;
  std::size_t at_ = 0, length_ = 0;
  std::uint64_t number_;
  BlankLines blank_;
};

}  // namespace smtrain::formats
