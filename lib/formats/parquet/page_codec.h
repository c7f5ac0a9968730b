// Compression of Parquet's pages.
#pragma once

#include <span>
#include <string>

#include "formats/parquet/metadata.h"

namespace smtrain::formats::parquet {

/// Whether pages of it can be read: none, snappy, gzip, zstd.
bool can_decompress(Codec codec);

/// Fills `out` exactly; throws a user Error without a place when `in` is damaged or of another size. Thread-safe.
void decompress_page(Codec codec, std::span<const char> in, std::span<char> out);

/// Appends the compressed bytes: none, snappy, gzip or zstd. Thread-safe.
void compress_page(Codec codec, std::span<const char> in, std::string& out);

}  // namespace smtrain::formats::parquet
