// Text told from what is none: archives, images, UTF-16.
#pragma once

#include <span>
#include <string>

#include "formats/record_cutter.h"

namespace smtrain::formats {

/// Throws a user Error, with what the file `name` looks like and what to do, when these first bytes are plainly not those of a text:
/// with a NUL or many control bytes among them, or those of a PDF. Bytes that are no UTF-8 are fine.
void check_is_text(const std::string& name, std::span<const char> bytes);

/// As LineCutter, of files that pass check_is_text().
class TextCutter final : public RecordCutter {
 public:
  explicit TextCutter(std::size_t max_record_bytes, BlankLines blank = BlankLines::skipped) : lines_(max_record_bytes, blank) {}
  Cut cut(const RawBlock& block, bool file_start, bool at_end) override;

 private:
  LineCutter lines_;
};

}  // namespace smtrain::formats
