// Checksums of files of our own.
#pragma once

#include <cstdint>
#include <string_view>

namespace smtrain::formats {

/// CRC-32 as gzip and zip have it (reflected polynomial 0xEDB88320); `before` continues that of the bytes before these.
/// "123456789" gives 0xCBF43926.
std::uint32_t crc32(std::string_view bytes, std::uint32_t before = 0);

}  // namespace smtrain::formats
