#include "formats/table_head.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "formats/parquet/columns.h"

namespace smtrain::formats {
namespace {

// How many bytes of a file show its first record whole.
std::size_t head_needed(Format format, std::span<const char> head) {
  if (format == Format::json) return static_cast<std::size_t>(-1);
  if (format == Format::npy) return 0;
  if (format == Format::parquet) return parquet::first_part_bytes(head);
  if (format == Format::recordio_protobuf) {
    std::uint32_t length = 0;
    if (head.size() >= 8) std::memcpy(&length, head.data() + 4, 4);
    return (length & 0x1fffffff) + std::size_t{16};
  }
  const auto lines = std::count(head.begin(), head.end(), '\n');
  return lines >= (format == Format::csv ? 2 : 1) ? 0 : 2 * head.size();
}

}  // namespace

std::span<const char> table_head(BlockFeed& feed, const TableParser& parser, Format format, std::size_t wanted, std::size_t max_record_bytes,
                                 std::string& source) {
  std::span<const char> head = feed.head(wanted, source);
  for (;;) {
    const std::size_t before = head.size();
    wanted = std::min(head_needed(format, head), parser.block_limit(max_record_bytes));
    if (wanted <= before) return head;
    head = feed.head(wanted, source);
    if (head.size() < wanted) return head;
  }
}

}  // namespace smtrain::formats
