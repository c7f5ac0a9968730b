// Bytes of an input, decompressed: gzip and zstd are seen by content, concatenated members read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "formats/io/input_files.h"

namespace smtrain::formats {

/// Sequential bytes. Not thread-safe; may be handed from thread to thread.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  /// Fills `into` as far as there are bytes; fewer only at the end of the stream. Reads of 1 MiB or more reach the file.
  /// Throws a user Error for corrupt or truncated compressed data (file, compressed offset, what is wrong), trailing
  /// garbage, and read failures by fault_of_errno.
  virtual std::size_t read(std::span<char> into) = 0;
  /// Bytes of the file consumed so far (compressed bytes), for progress.
  virtual std::uint64_t consumed() const = 0;
  /// "", "gzip" or "zstd".
  virtual std::string compression() const = 0;
  /// Whether reading may block or costs CPU (pipes, compressed data), so that a thread of its own pays.
  virtual bool slow() const = 0;
  /// Goes to an offset of the decompressed bytes; only on plain regular files, which say so.
  virtual bool can_seek() const = 0;
  virtual void seek(std::uint64_t offset) = 0;
  /// Ends a read that waits for a pipe, now or later, as at the end of the stream. From any thread.
  virtual void cancel() {}
};

/// Opens a file, looks at its first bytes, and decompresses if need be. On standard input that is an idle terminal the
/// caller has said what is waited for. Plain regular files are read with posix_fadvise(SEQUENTIAL).
std::unique_ptr<ByteStream> open_bytes(const InputFile& file);

/// All bytes of a file, decompressed; refuses more than `limit` of them (the user's fault).
std::string read_bytes(const InputFile& file, std::size_t limit);

/// open_bytes() over bytes in memory, which must outlive the stream; `name` is for messages. It cannot seek.
std::unique_ptr<ByteStream> open_bytes_in_memory(std::string_view bytes, const std::string& name);

}  // namespace smtrain::formats
