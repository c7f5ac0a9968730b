// ChunkSink: chunks of bytes into a file, encoded and compressed by a team of threads, in order, whole or absent.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/file.h"
#include "formats/io/compress.h"

namespace smtrain::formats {

/// The file is compressed when its suffix says so, each chunk by itself; "-" is standard output. Whoever cuts the chunks
/// regardless of `threads` gets the same bytes with any number of them. Not thread-safe.
class ChunkSink {
 public:
  ChunkSink(const std::string& path, int threads);

  /// Appends the bytes of a chunk to `out`; called by several threads at a time.
  using Encode = std::function<void(std::size_t chunk, std::string& out)>;
  /// May change the bytes of a chunk that is about to be written; called for one at a time, in their order, where the file is not
  /// compressed.
  using Place = std::function<void(std::string& text)>;
  /// Writes chunks 0 … chunks - 1. Throws the first failure in their order.
  void write(std::size_t chunks, const Encode& encode, const Place& place = {});
  void write(const std::string& text);
  /// Replaces bytes that have been written; of files that are seekable() and not compressed.
  void write_at(std::uint64_t offset, const std::string& bytes) { file_.write_at(offset, bytes); }
  bool seekable() const { return file_.seekable(); }
  /// Gives the file, to be committed; nothing may be written after it. A sink that got nothing has an empty file.
  AtomicFile& finish();
  /// Finishes, syncs and renames.
  void commit() { finish().commit(); }

  Compression compression() const { return compression_; }
  /// Bytes in the file so far, after compression.
  std::uint64_t bytes() const { return file_.size(); }

 private:
  // One thread's.
  struct Scratch {
    std::string text, compressed;
  };
  void encode_chunk(std::size_t chunk, const Encode& encode, Scratch& scratch) const;
  void write_chunk(Scratch& scratch, const Place& place);

  Compression compression_;
  AtomicFile file_;
  std::vector<Scratch> scratch_;
};

}  // namespace smtrain::formats
