#include "formats/archive/checksum.h"

#include <libdeflate.h>

namespace smtrain::formats {

std::uint32_t crc32(std::string_view bytes, std::uint32_t before) { return libdeflate_crc32(before, bytes.data(), bytes.size()); }

}  // namespace smtrain::formats
