#include "formats/record_cutter.h"

#include <algorithm>

#include "base/error.h"
#include "formats/text/line_count.h"
#include "formats/text/lines.h"

namespace smtrain::formats {

RecordCutter::Cut LineCutter::cut(const RawBlock& block, bool file_start, bool at_end) {
  const std::string_view bytes = std::string_view(block.bytes.data(), block.bytes.size());
  const std::size_t last = bytes.rfind('\n');
  const std::size_t end = at_end ? bytes.size() : last == std::string_view::npos ? 0 : last + 1;
  const std::size_t skip = file_start && bytes.substr(0, end).starts_with(kBom) ? kBom.size() : 0;
  const std::string_view whole = bytes.substr(skip, end - skip);
  const LineCount count = count_lines(whole.data(), whole.data() + whole.size());
  Cut cut{end, skip, 0, count.lines};
  const bool ends_with_line = whole.empty() || whole.back() == '\n';
  const bool all_records = blank_ == BlankLines::records || (count.suspicious == 0 && !whole.empty() && !may_begin_blank_line(whole[0]));
  if (all_records && ends_with_line && bytes.size() <= max_record_bytes_) {
    cut.records = count.lines;
    return cut;
  }
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
