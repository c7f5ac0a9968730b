// The beginning of a table, as much of it as tells the schema.
#pragma once

#include <span>
#include <string>

#include "formats/block_feed.h"
#include "formats/table_parser.h"

namespace smtrain::formats {

/// The first bytes of the feed, at least `wanted` and so many more that they hold the first record whole (of CSV a header before it,
/// too), unless the file ends before or the record is longer than `parser` allows. The feed's cutter must be `parser`. `source` is set
/// to the file's name.
std::span<const char> table_head(BlockFeed& feed, const TableParser& parser, Format format, std::size_t wanted, std::size_t max_record_bytes,
                                 std::string& source);

}  // namespace smtrain::formats
