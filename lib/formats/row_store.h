// RowStore: rows between parsing and batches. It tells parsers where to write, and cuts batches out of what they wrote.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "formats/batch.h"
#include "formats/row_blocks.h"
#include "formats/table_parser.h"

namespace smtrain::formats {

/// Where the rows of one block are to be written: dense runs, or sparse rows to append to.
struct RowTarget {
  std::vector<DenseRun> runs;
  SparseRows* sparse = nullptr;
};

/// Rows are placed and cut in the order of the epoch. One caller at a time; the targets may be written to by other threads
/// between place() and cut().
class RowStore {
 public:
  RowStore(const TableSchema& schema, const RowGeometry& geometry, bool has_lines)
      : schema_(schema), geometry_(geometry), has_lines_(has_lines) {}
  virtual ~RowStore() = default;

  /// Forgets what it holds and goes on with row `row` of the epoch.
  void begin_at(std::uint64_t row);
  /// Finds a place for the records raw.wanted, `rows` of them, all named there. A sparse target lives until cut().
  void place(const RawBlock& raw, std::size_t rows, RowTarget& target);
  /// Appends the batches that can be cut from the rows placed so far, which have been written; `all`: the epoch has no more
  /// rows, so that the last one completes its mini-batch however short it is.
  virtual void cut(bool all, std::deque<Batch>& out) = 0;

  std::uint64_t rows_placed() const { return placed_; }
  std::uint64_t rows_cut() const { return cut_; }

 protected:
  virtual void clear() = 0;
  virtual void do_place(const RawBlock& raw, RowTarget& target) = 0;
  /// A piece that ends with the rows placed so far, within a mini-batch, waits for the next look at the file: it may be the
  /// last, which completes the mini-batch.
  bool may_be_last(std::size_t rows) const;
  void deliver(Batch batch, bool all, std::deque<Batch>& out);
  Origin origin(std::size_t row, const RawBlock& raw, std::uint64_t record) const;

  const TableSchema schema_;
  const RowGeometry geometry_;
  const bool has_lines_;
  std::uint64_t placed_ = 0, cut_ = 0;
};

/// For a schema that is sparse, or not. Sparse batches end when they hold about `piece_bytes`.
std::unique_ptr<RowStore> make_row_store(const TableSchema& schema, const RowGeometry& geometry, bool has_lines, std::uint64_t piece_bytes);

}  // namespace smtrain::formats
