// How large an input is.
#pragma once

#include <cstdint>
#include <vector>

#include "formats/io/input_files.h"

namespace smtrain::run {

/// Bytes of the files as they lie on disk, as far as that is known.
inline std::uint64_t total_size(const std::vector<formats::InputFile>& files) {
  std::uint64_t size = 0;
  for (const formats::InputFile& file : files) size += file.size.value_or(0);
  return size;
}

}  // namespace smtrain::run
