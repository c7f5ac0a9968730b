// How wide a table is whose records do not tell: a pass over all of them.
#pragma once

#include <cstdint>
#include <vector>

#include "formats/io/input_files.h"
#include "formats/table_parser.h"

namespace smtrain::formats {

struct WidthOptions {
  int threads = 1;
  std::size_t block_bytes = std::size_t{1} << 20;
  std::size_t max_record_bytes = std::size_t{64} << 20;
  std::uint64_t max_bytes = 0;  ///< decompressed bytes to look at; 0: everything
};

/// Has `parser`, which has been probed, measure the files by a team of threads, and settles its width. `path`: for messages.
std::size_t measured_width(const std::vector<InputFile>& files, TableParser& parser, const std::string& path, const WidthOptions& options,
                           Log& log);

/// The same of bytes at hand, a whole file.
std::size_t measured_width(std::span<const char> bytes, TableParser& parser, const std::string& source, Log& log);

}  // namespace smtrain::formats
