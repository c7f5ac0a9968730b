// FileBytes: a Parquet file's bytes at any offset, and its footer.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "formats/io/byte_stream.h"
#include "formats/parquet/metadata.h"

namespace smtrain::formats::parquet {

/// One caller at a time. Errors carry no place.
class FileBytes {
 public:
  virtual ~FileBytes() = default;
  virtual std::uint64_t size() const = 0;
  /// Fills `into`, whose bytes the file must have; throws a user Error when it has become shorter.
  virtual void read(std::uint64_t offset, std::span<char> into) = 0;
  std::string read(std::uint64_t offset, std::size_t bytes);
};

/// Of a stream that can seek, which must outlive it.
std::unique_ptr<FileBytes> file_bytes(ByteStream& stream, std::uint64_t size);
/// Of a file in memory.
std::unique_ptr<FileBytes> file_bytes(std::string bytes);

/// Reads the footer. Throws a user Error that says in what way it is no whole Parquet file.
FileMetadata read_footer(FileBytes& file);

/// Takes whole Parquet files out of a stream in which they follow each other, each into memory. One caller at a time.
class FileCutter {
 public:
  static constexpr std::uint64_t kLargest = std::uint64_t{2} << 30;

  /// `head`: bytes that were taken from the stream before. The stream must outlive it.
  FileCutter(ByteStream& stream, std::string_view head) : stream_(stream), bytes_(head) {}
  /// The next file; null at the end of the stream. Throws a user Error without a place for anything else.
  std::unique_ptr<FileBytes> next();

 private:
  std::size_t end_of_file();

  ByteStream& stream_;
  std::string bytes_;
  std::size_t searched_ = 0;
  bool at_end_ = false, any_ = false;
};

}  // namespace smtrain::formats::parquet
