#include "formats/record_cutter.h"

#include <algorithm>

#include "base/error.h"
#include "formats/text/lines.h"

namespace smtrain::formats {

RecordCutter::Cut LineCutter::cut(const RawBlock& block, bool file_start, bool at_end) {
  const std::string_view bytes = std::string_view(block.bytes.data(), block.bytes.size());
  const std::size_t last = bytes.rfind('\n');
  const std::size_t end = at_end ? bytes.size() : last == std::string_view::npos ? 0 : last + 1;
  const std::size_t skip = file_start && bytes.substr(0, end).starts_with(kBom) ? kBom.size() : 0;
  const std::string_view whole = bytes.substr(skip, end - skip);
  Cut cut{end, skip, 0, static_cast<std::size_t>(std::count(whole.begin(), whole.end(), '\n'))};
  Lines lines(whole, block.first_line, blank_);
  std::size_t longest = end == 0 ? bytes.size() : 0;
  while (longest <= max_record_bytes_ && lines.next()) {
    ++cut.records;
    longest = lines.length();
  }
  if (longest > max_record_bytes_) {
    throw user_error("{}: a line of {} bytes or more, expected at most {} (--max-record-bytes)",
                     line_place(*block.source, end == 0 ? block.first_line : lines.number()), longest, max_record_bytes_);
  }
  return cut;
}

}  // namespace smtrain::formats
