// Compressed output as a stream of pieces: the same bytes give the same output, whatever the threads.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "formats/archive/tar.h"

namespace smtrain::formats {

/// Takes bytes in pieces of any size and hands the compressed ones to a sink. Holds some 32 MiB, however much passes.
/// gzip: one member, time 0, in independent chunks of 1 MiB that are compressed in parallel; whole chunks that would shrink
/// by less than a tenth (random floats) are stored. zstd: one frame, level 3, with checksum. Not thread-safe.
class Compressor {
 public:
  using Sink = std::function<void(std::string_view)>;
  virtual ~Compressor() = default;
  virtual void write(std::string_view bytes) = 0;
  /// Ends the stream; nothing may be written after it. What the sink throws passes through.
  virtual void finish() = 0;
};

std::unique_ptr<Compressor> make_compressor(TarCompression compression, Compressor::Sink sink);

}  // namespace smtrain::formats
