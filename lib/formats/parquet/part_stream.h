// PartStream: Parquet files rearranged into parts, one after the other: the rows of a part can be read without any other byte.
//
// A part is a PartHead, a ColumnHead per column, the columns' names, then their pages as they stand in the file: a dictionary
// page when there is one, and those data pages that hold the part's rows. Numbers are in the machine's order: nobody stores
// parts.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "formats/io/byte_stream.h"
#include "formats/parquet/columns.h"
#include "formats/parquet/file_bytes.h"

namespace smtrain::formats::parquet {

struct PartHead {
  static constexpr std::uint64_t kMagic = 0x3130747261507173;
  std::uint64_t magic = kMagic;
  std::uint64_t bytes = 0;       ///< of the whole part
  std::uint64_t rows = 0;
  std::uint64_t first_row = 0;
  std::uint64_t columns = 0;
};

struct ColumnHead {
  LeafType type;
  Codec codec = Codec::uncompressed;
  std::uint32_t name_bytes = 0;
  std::uint64_t skip_rows = 0;
  std::uint64_t page_bytes = 0;
};

/// Consecutive bytes of a file.
struct FileRange {
  std::uint64_t offset = 0, bytes = 0;
};

/// A part as it is planned: its heads and names, and the bytes of the file that follow them.
struct PlannedPart {
  std::string heads;
  std::vector<FileRange> pages;
  std::uint64_t bytes() const;
};

/// The parts of a row group, some MiB each: it is cut where the columns' pages begin, so that few pages are read twice. Reads
/// page headers or the index of pages where the group is large. Errors carry no place.
class GroupParts {
 public:
  GroupParts() = default;
  GroupParts(FileBytes& file, const Schema& schema, const RowGroup& group, std::uint64_t first_row,
             const std::vector<std::size_t>& leaves, std::size_t part_bytes);
  /// Replaces `part` by the next one; false behind the last.
  bool next(PlannedPart& part);

 private:
  struct Page {
    FileRange range;
    std::uint64_t first_row = 0;
    bool dictionary = true;    // whether it needs the dictionary, as far as is known
  };
  struct Column {
    ColumnHead head;
    std::string name;
    FileRange whole;           // all pages
    FileRange dictionary;      // what stands before the first data page
    std::vector<Page> pages;   // empty: where rows begin is not known
    std::uint64_t weight = 0;  // bytes, uncompressed
  };
  static std::optional<std::vector<Page>> walk_pages(FileBytes& file, const ColumnChunk& chunk, bool lists);
  static std::optional<std::vector<Page>> indexed_pages(FileBytes& file, const ColumnChunk& chunk, std::uint64_t rows);
  static std::uint64_t waste_at(const Column& column, std::uint64_t row, std::uint64_t rows);
  void find_pages(FileBytes& file, const ColumnChunk& chunk, Column& column) const;
  void find_cuts(std::size_t part_bytes);
  void add_column(const Column& column, std::uint64_t end, std::vector<ColumnHead>& heads, PlannedPart& part) const;
  void write_heads(const std::vector<ColumnHead>& heads, std::uint64_t end, PlannedPart& part) const;

  std::uint64_t first_row_ = 0, rows_ = 0;  // of the group
  std::vector<Column> columns_;
  std::vector<std::uint64_t> cuts_;         // where parts end; large ones are cut again
  std::size_t cut_ = 0;
  std::uint64_t at_ = 0;                    // rows done
};

/// Reads nothing before the first read(). `consumed` counts the bytes of pages taken.
std::unique_ptr<ByteStream> make_part_stream(const InputFile& file, std::unique_ptr<ByteStream> bytes, std::string_view head,
                                             PartCutter::Choose choose, std::size_t part_bytes);

/// Checks what reading relies on (sizes within the file, as many rows in all columns, codecs) and makes the schema. Throws a user
/// Error without a place.
FileSummary checked_summary(const FileMetadata& metadata, std::uint64_t file_size);

}  // namespace smtrain::formats::parquet
