// RecordCutter: what a record format must offer to be read in blocks: where its records end. RawBlock: what is cut off.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/io/byte_stream.h"
#include "formats/io/input_files.h"
#include "formats/text/blank_lines.h"

namespace smtrain::formats {

/// Some consecutive records of a block.
struct RecordRange {
  std::size_t first = 0, count = 0;
};

/// Raw bytes of whole records of one file, and where they stand in it.
struct RawBlock {
  std::span<const char> bytes;
  std::shared_ptr<const std::string> source;  ///< file name as the user knows it
  std::uint64_t offset = 0;        ///< of bytes[0] in the (decompressed) file
  std::uint64_t first_record = 0;  ///< number of its first record in the file, from 0
  std::uint64_t first_line = 0;    ///< line number of its first record, from 1; 0 for formats without lines
  std::size_t records = 0;
  std::vector<RecordRange> wanted = {};  ///< the only ones that are parsed, ascending and apart; empty: all
  std::size_t lines = 0;           ///< line ends in bytes; 0 for formats without lines
  /// The line of each record, where they are not one each; null: they are. Empty: nobody knows.
  std::shared_ptr<const std::vector<std::uint64_t>> line_of = {};

  bool one_line_each() const {
    const bool ended = !bytes.empty() && bytes.back() == '\n';
    return records == lines + (ended ? 0 : 1);
  }
};

/// Steps through the records of a block and tells which of them are wanted.
class WantedRecords {
 public:
  explicit WantedRecords(const RawBlock& block) : ranges_(block.wanted) {}
  /// Asked of each record in turn, from 0.
  bool operator()(std::size_t record) {
    if (ranges_.empty()) return true;
    while (range_ < ranges_.size() && record >= ranges_[range_].first + ranges_[range_].count) ++range_;
    return range_ < ranges_.size() && record >= ranges_[range_].first;
  }

 private:
  std::span<const RecordRange> ranges_;
  std::size_t range_ = 0;
};

class RecordCutter {
 public:
  virtual ~RecordCutter() = default;

  /// The longest prefix of `bytes` that is whole records.
  struct Cut {
    std::size_t bytes = 0;    ///< 0: not even one record fits; the caller offers more
    std::size_t skip = 0;     ///< leading bytes of the prefix that are no record (BOM, header line), at the file's start
    std::size_t records = 0;
    std::size_t lines = 0;    ///< line ends in the prefix, `skip` included; 0 for formats without lines
  };
  /// `at_end`: no byte follows, so an unterminated last record counts. Must be called for the blocks of a file in order,
  /// with `file_start` at the first; may keep state between. Throws a user Error with the place for what can't be cut.
  /// `block` describes bytes.data() (records, as counted so far); its `records` field is unset.
  virtual Cut cut(const RawBlock& block, bool file_start, bool at_end) = 0;

  /// A file is begun, from its start or from a later record; before any cut of it. For formats that have to look elsewhere in
  /// the file first: its end, say.
  virtual void begin_file(const InputFile& file) { (void)file; }

  /// Called after begin_file() with the file's bytes, of which `head` have been taken already, for formats whose records do not
  /// stand one behind the other in the file: returns what is cut instead. As it is: the bytes are cut as they come.
  virtual std::unique_ptr<ByteStream> open(const InputFile& file, std::unique_ptr<ByteStream> bytes, std::string_view head) {
    (void)file;
    (void)head;
    return bytes;
  }

  /// How many bytes, in all, to offer of a block that begins with `begin`, where that can be told: no more are read then, so that
  /// none is carried to the next block.
  virtual std::size_t wanted(std::span<const char> begin) const {
    (void)begin;
    return static_cast<std::size_t>(-1);
  }

  /// The most bytes that may pass without a whole record, when records may have `max_record_bytes`: more for formats that are cut
  /// at groups of records.
  virtual std::size_t block_limit(std::size_t max_record_bytes) const { return max_record_bytes; }
};

/// Records are lines, blank ones perhaps not; nor is a leading BOM. A line longer than `max_record_bytes` is a user Error.
class LineCutter final : public RecordCutter {
 public:
  explicit LineCutter(std::size_t max_record_bytes, BlankLines blank = BlankLines::skipped)
      : max_record_bytes_(max_record_bytes), blank_(blank) {}
  Cut cut(const RawBlock& block, bool file_start, bool at_end) override;

 private:
  std::size_t max_record_bytes_;
  BlankLines blank_;
};

}  // namespace smtrain::formats
