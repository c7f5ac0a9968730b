// TableParser: what a record format must offer to be read as a table. One small class per format; the machinery of blocks,
// threads, caching and batches (table_stream.h) is shared.
//
// A file is cut into blocks of whole records by cut(), in order, by one thread at a time. Blocks are then parsed in
// parallel; the number of rows of a block is known from cut(), so each parser writes straight to the place of its rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/log.h"
#include "formats/content_type.h"
#include "formats/record_cutter.h"

namespace smtrain::formats {

/// What the first record of a channel says about all of them.
struct TableSchema {
  std::size_t feature_dim = 0;
  std::size_t label_width = 0;   ///< label columns per row; 0: none
  bool weights = false;          ///< a weight per row
  bool qids = false;             ///< a query id per row
  bool sparse = false;           ///< rows come sparse: kept as CSR
  std::vector<std::string> column_names;  ///< of the features, where the format has names; else empty
};

/// What becomes of empty places where a number should stand (an empty cell, null) and of numbers that are not finite.
enum class Missing {
  refused,
  features,   ///< a feature may be missing: an empty place and a written nan come as NaN; infinite numbers, and labels and weights that
              ///< are missing, are refused
  passed_on,  ///< all come as NaN or infinite, wherever they stand
};

/// Whether a number that is not finite may stand among the features.
inline bool may_be_feature(Missing missing, float value) {
  return missing == Missing::passed_on || (missing == Missing::features && value != value);
}

/// What a reader must know beside the bytes.
struct TableOptions {
  ContentType type;
  std::size_t feature_dim = 0;   ///< expected; 0: taken from the first record
  bool supervised = false;       ///< bare text/csv means label_size 1 (else 0, with the rule of data-formats.md §2)
  std::size_t max_record_bytes = std::size_t{64} << 20;
  Missing missing = Missing::refused;
  bool csv_weights = false;      ///< of CSV, the first column that is no label is the weight of its row, as weights=1 has it
  bool guess_delimiter = false;  ///< of CSV, where the type names none (guess_delimiter_by_lines)
};

/// Destination of dense rows: runs of consecutive rows in storage. A block's rows may lie in several runs.
struct DenseRun {
  std::size_t rows = 0;
  float* values = nullptr;  ///< row i at values + i * ld
  std::size_t ld = 0;
  float* labels = nullptr;  ///< row i at labels + i * label_width; null when label_width is 0
  float* weights = nullptr; ///< null when the schema has none
  std::uint64_t* qids = nullptr;  ///< the same
};

/// Destination of sparse rows; appended to.
struct SparseRows {
  std::vector<std::uint64_t> indptr{0};
  std::vector<std::uint32_t> indices;
  std::vector<float> values;
  std::vector<float> labels;
  std::vector<float> weights;         ///< one per row when the schema has them
  std::vector<std::uint64_t> qids;    ///< the same

  /// Without rows, with the memory it has.
  void clear() {
    indptr.assign(1, 0);
    indices.clear();
    values.clear();
    labels.clear();
    weights.clear();
    qids.clear();
  }
};

class TableParser : public RecordCutter {
 public:

  /// Looks at the first bytes of the first non-empty file and settles the schema. `head` holds the first complete record
  /// (and header) or everything up to max_record_bytes. Throws a user Error when the bytes are not of this format, or the
  /// width is not what options say. Called once, before any cut.
  virtual TableSchema probe(std::span<const char> head, const std::string& source, Log& log) = 0;

  /// Formats whose records do not tell how wide the table is return a schema of width 0 from probe() while it is not known
  /// otherwise. measure() is then given all blocks, by several threads at a time, and settle_width() ends the search.
  virtual void measure(const RawBlock& block) { (void)block; }
  /// The width of all blocks measured, which holds from now on. May warn of what they have in common.
  virtual std::size_t settle_width(const std::string& source, Log& log) {
    (void)source, (void)log;
    return 0;
  }

  /// The line of each record of a block in which records are not one line each; empty where a format cannot tell.
  virtual std::vector<std::uint64_t> record_lines(const RawBlock& block) const {
    (void)block;
    return {};
  }

  /// Parses the wanted records of the block into the runs (together exactly that many rows); others are passed over
  /// unseen. const and thread-safe. Refuses, with file, record or line, field, what was found and what was expected: wrong
  /// widths, text that is no number, numbers that are not finite (unless allowed), missing labels.
  virtual void parse_dense(const RawBlock& block, std::span<const DenseRun> runs, Log& log) const = 0;

  /// The same into CSR. Formats that are always dense leave out zeros.
  virtual void parse_sparse(const RawBlock& block, SparseRows& rows, Log& log) const = 0;
};

/// The parser for a content type; the one list of formats that can be read as tables.
std::unique_ptr<TableParser> make_table_parser(const TableOptions& options);

/// A running position over the rows of several runs; what parsers step through.
class RunCursor {
 public:
  explicit RunCursor(std::span<const DenseRun> runs, std::size_t label_width) : runs_(runs), label_width_(label_width) {}
  /// Moves to the next row; call before each row, `runs` must have one left.
  void next() {
    while (++row_ >= runs_[run_].rows) {
      ++run_;
      row_ = static_cast<std::size_t>(-1);
    }
  }
  float* values() const { return runs_[run_].values + row_ * runs_[run_].ld; }
  float* labels() const { return runs_[run_].labels == nullptr ? nullptr : runs_[run_].labels + row_ * label_width_; }
  float* weight() const { return runs_[run_].weights == nullptr ? nullptr : runs_[run_].weights + row_; }
  std::uint64_t* qid() const { return runs_[run_].qids == nullptr ? nullptr : runs_[run_].qids + row_; }

 private:
  std::span<const DenseRun> runs_;
  std::size_t label_width_;
  std::size_t run_ = 0;
  std::size_t row_ = static_cast<std::size_t>(-1);
};

}  // namespace smtrain::formats
