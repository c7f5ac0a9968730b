// Compression of outputs in independent blocks, so that several threads can compress one file.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace smtrain::formats {

enum class Compression { none, gzip, zstd };

/// By the last suffix: .gz, .zst, anything else none; case aside.
Compression compression_by_suffix(std::string_view path);

/// Appends `bytes` as one gzip member or one zstd frame (none: as they are). Members and frames that follow each other are
/// one valid file for every reader of these formats. Reproducible: no time, no name. Thread-safe.
void append_compressed(Compression compression, std::span<const char> bytes, std::string& out);

}  // namespace smtrain::formats
