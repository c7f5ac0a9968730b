#include "formats/table_width.h"

#include <atomic>

#include "formats/block_team.h"

namespace smtrain::formats {

std::size_t measured_width(const std::vector<InputFile>& files, TableParser& parser, const std::string& path, const WidthOptions& options,
                           Log& log) {
  BlockTeam team(files, parser, {options.threads, options.block_bytes, options.max_record_bytes});
  std::atomic<std::uint64_t> bytes = 0;
  while (options.max_bytes == 0 || bytes < options.max_bytes) {
    const std::size_t blocks = team.round([&](const RawBlock& block, std::size_t) {
      parser.measure(block);
      bytes += block.bytes.size();
    });
    if (blocks == 0) break;
  }
  return parser.settle_width(path, log);
}

std::size_t measured_width(std::span<const char> bytes, TableParser& parser, const std::string& source, Log& log) {
  RawBlock block{bytes, std::make_shared<const std::string>(source), 0, 0, 1, 0};
  const TableParser::Cut cut = parser.cut(block, true, true);
  block.bytes = bytes.subspan(cut.skip, cut.bytes - cut.skip);
  block.records = cut.records;
  parser.measure(block);
  return parser.settle_width(source, log);
}

}  // namespace smtrain::formats
