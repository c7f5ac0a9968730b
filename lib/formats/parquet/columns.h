// Columns of Parquet files, for readers of records that are no rows of numbers.
//
// A file is read in parts: some rows of one row group, of the columns that are wanted, in whole pages. PartCutter makes the parts
// (so that RecordStream, BlockTeam and BlockFeed can read Parquet as they read lines), read_columns() takes them apart:
//
//   PartCutter cutter({"start", "target"});
//   RecordStream<Series> stream(files, cutter, [](const RawBlock& block, std::vector<Series>& records) {
//     for (const Part& part : parts_of(block)) {
//       const std::vector<Column> columns = read_columns(part, *block.source);   // start, then target
//       for (std::size_t row = 0; row < part.rows; ++row) ... columns[1].lists[0].begin(row) ...
//     }
//   }, options);
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/parquet/schema.h"
#include "formats/record_cutter.h"

namespace smtrain::formats::parquet {

/// One level of lists, around the entries of the next level or the values.
struct Lists {
  std::vector<std::uint64_t> offsets{0};  ///< list i holds entries offsets[i] … offsets[i + 1] - 1
  std::vector<std::uint8_t> valid;        ///< 0: the list is null (it then has no entries)
  std::size_t count() const { return valid.size(); }
  std::size_t begin(std::size_t i) const { return static_cast<std::size_t>(offsets[i]); }
  std::size_t end(std::size_t i) const { return static_cast<std::size_t>(offsets[i + 1]); }
};

/// The values of one leaf for some rows. Without lists value i is that of row i; with lists the outermost level has a list per
/// row. A null has a value too: NaN, 0 or an empty text.
struct Column {
  std::string name;  ///< Leaf::name
  Kind kind = Kind::number;
  std::vector<Lists> lists;               ///< outermost first
  std::vector<std::uint8_t> valid;        ///< of each value; 0: null
  std::vector<std::int64_t> integers;     ///< boolean (0, 1), integer, timestamp, date, time
  std::vector<double> numbers;            ///< number
  std::vector<std::uint64_t> text_ends;   ///< text, binary: value i is text(i)
  std::string text_bytes;

  std::size_t values() const { return valid.size(); }
  std::string_view text(std::size_t i) const {
    const std::uint64_t begin = i == 0 ? 0 : text_ends[i - 1];
    return std::string_view(text_bytes).substr(begin, text_ends[i] - begin);
  }
  /// Of integers and numbers alike; NaN for nulls.
  double number(std::size_t i) const;
};

/// A leaf's pages in a part, which views the block.
struct PartColumn {
  std::string_view name;
  LeafType type;
  Codec codec = Codec::uncompressed;
  std::uint64_t skip_rows = 0;    ///< rows of its pages before the part's first
  std::span<const char> pages;
};

/// Some rows of a file.
struct Part {
  std::uint64_t first_row = 0;    ///< in its file, from 0
  std::size_t rows = 0;
  std::vector<PartColumn> columns;  ///< in the order in which they were chosen
};

/// The parts of a block that a PartCutter has cut, one or several.
std::vector<Part> parts_of(const RawBlock& block);

/// The part at the beginning of bytes; nullopt when they do not hold all of it.
std::optional<Part> first_part(std::span<const char> bytes);
/// How long the part is that begins here, or the head that says so; what a reader of heads has to offer.
std::size_t first_part_bytes(std::span<const char> bytes);

/// Decodes all columns of a part; column i is part.columns[i]. Throws user Errors with file, rows and column. Thread-safe.
std::vector<Column> read_columns(const Part& part, const std::string& source);
Column read_column(const Part& part, const PartColumn& column, const std::string& source);

/// What a file has, for those who choose.
struct FileSummary {
  Schema schema;
  std::uint64_t rows = 0;
  std::size_t row_groups = 0;
  std::string created_by;
};

/// Cuts Parquet files into parts. Any file that is Parquet once gzip or zstd is taken off; what cannot be read at any place (a
/// pipe, compressed data) is held in memory whole, up to 2 GiB a file. Files that follow each other in one pipe are read one
/// after the other.
class PartCutter : public RecordCutter {
 public:
  /// Chooses among the leaves of a file: indices into schema.leaves, in the order in which they are wanted. Throws a user Error
  /// that names the file when they are not there. Called once for each file.
  using Choose = std::function<std::vector<std::size_t>(const FileSummary& file, const std::string& source)>;

  /// `part_bytes`: about how many bytes of pages a part may have; more when pages are larger.
  explicit PartCutter(Choose choose, std::size_t part_bytes = std::size_t{2} << 20)
      : choose_(std::move(choose)), part_bytes_(part_bytes) {}
  /// The leaves of these names, all of which must be there.
  explicit PartCutter(std::vector<std::string> names);

  std::unique_ptr<ByteStream> open(const InputFile& file, std::unique_ptr<ByteStream> bytes, std::string_view head) override;
  /// Needs nothing but the bytes.
  Cut cut(const RawBlock& block, bool file_start, bool at_end) override;
  std::size_t wanted(std::span<const char> begin) const override { return first_part_bytes(begin); }
  std::size_t block_limit(std::size_t max_record_bytes) const override;

 private:
  Choose choose_;
  std::size_t part_bytes_;
};

/// Reads the footer alone. `file` must be a plain regular file, else nullopt: nothing can be said without reading all of it.
std::optional<FileSummary> summarize(const InputFile& file);

}  // namespace smtrain::formats::parquet
