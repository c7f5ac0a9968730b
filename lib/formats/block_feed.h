// BlockFeed: the files of a channel as raw blocks of whole records, in order.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "formats/io/byte_stream.h"
#include "formats/io/input_files.h"
#include "formats/record_cutter.h"

namespace smtrain::formats {

/// A place at which reading can start again: the beginning of a record.
struct FeedPosition {
  std::size_t file = 0;
  std::uint64_t offset = 0;  ///< decompressed bytes
  std::uint64_t record = 0;
  std::uint64_t line = 1;
};

/// A block and the memory its bytes lie in, which the next fill reuses.
struct FeedBlock {
  std::shared_ptr<char> buffer;
  std::size_t capacity = 0;
  RawBlock raw;
  FeedPosition position;  ///< of its first record
};

/// One caller at a time, in any thread.
class BlockFeed {
 public:
  /// Blocks hold about `block_bytes`, more when one record is larger, at most `max_record_bytes` then.
  BlockFeed(std::vector<InputFile> files, std::size_t block_bytes, std::size_t max_record_bytes);

  /// Who cuts; set before next() is called, and must outlive the feed.
  void set_cutter(RecordCutter& cutter);

  /// The first bytes of the first file that has any, at least `wanted` unless the file ends before; they are delivered by
  /// next() all the same. Empty when no file has a byte. `source` is set to the file's name.
  std::span<const char> head(std::size_t wanted, std::string& source);

  /// Fills `block` with the next records; false at the end of the last file.
  bool next(FeedBlock& block);

  /// Continues at `from`: a seek where the file allows it, else reading over what comes before.
  void restart(const FeedPosition& from);

  /// Ends a next() that waits for a pipe; for destructors, from any thread.
  void cancel();

  /// Bytes of the files read so far in this pass, as they lie on disk.
  std::uint64_t consumed() const { return consumed_; }
  const std::vector<InputFile>& files() const { return files_; }

 private:
  bool open_next();
  void show_to_cutter();
  void close();
  void grow(FeedBlock& block, std::size_t keep) const;
  bool cut(FeedBlock& block, std::size_t have);

  std::vector<InputFile> files_;
  RecordCutter* cutter_ = nullptr;
  std::size_t block_bytes_, max_record_bytes_;
  void set_stream(std::unique_ptr<ByteStream> stream);

  std::unique_ptr<ByteStream> stream_;
  std::mutex stream_mutex_;  // between cancel() and a change of stream_
  bool cancelled_ = false;   // streams opened later are cancelled too
  std::shared_ptr<const std::string> source_;
  FeedPosition position_;      // of the next byte to cut
  // Bytes read, not yet cut.
  struct Carry {
    std::shared_ptr<char> buffer;
    std::size_t capacity = 0, size = 0;
    std::span<char> bytes() const { return {buffer.get(), size}; }
    void reserve(std::size_t wanted);
    void assign(std::span<const char> bytes);
  };
  Carry carry_;
  bool file_start_ = true;
  bool at_end_ = false;        // of the current file
  std::uint64_t consumed_before_ = 0;     // files done
  std::atomic<std::uint64_t> consumed_ = 0;
};

}  // namespace smtrain::formats
