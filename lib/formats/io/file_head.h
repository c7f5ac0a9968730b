// The beginning of a file, for telling what it is.
#pragma once

#include <cstddef>
#include <string>

#include "formats/io/input_files.h"

namespace smtrain::formats {

/// The first bytes, decompressed: `bytes` of them, fewer where the file ends before. The file must be rewindable, or these bytes are
/// gone. Errors are those of open_bytes() and ByteStream::read().
std::string file_head(const InputFile& file, std::size_t bytes);

}  // namespace smtrain::formats
