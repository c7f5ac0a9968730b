// Batch: some rows of a table, dense or sparse, as every algorithm receives them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace smtrain::formats {

/// Where a run of rows came from, for messages about them.
struct Origin {
  std::size_t first_row = 0;      ///< index of the first row of this run
  std::shared_ptr<const std::string> source;  ///< file name as the user knows it
  std::uint64_t record = 0;       ///< number in its file of that row, from 0
  std::uint64_t line = 0;         ///< line in its file, from 1; 0 where the format has no lines
  /// Lines of the rows, that of the first at `line_at`, where a row is not a line; null: each is one.
  std::shared_ptr<const std::vector<std::uint64_t>> line_of = {};
  std::size_t line_at = 0;
};

/// Immutable, reference-counted view of rows: parsers, the row cache and algorithms share its memory. Cheap to copy,
/// readable from any thread.
struct Batch {
  std::size_t rows = 0;
  std::size_t cols = 0;  ///< feature_dim

  /// Dense: row i is at dense + i * ld, `cols` float32 numbers, all finite, or NaN where features may be missing. Null when
  /// sparse.
  const float* dense = nullptr;
  std::size_t ld = 0;

  /// Sparse (dense == nullptr): row i holds indptr[i] - indptr[0] … of `indices` (ascending) and `values`.
  const std::uint64_t* indptr = nullptr;
  const std::uint32_t* indices = nullptr;
  const float* values = nullptr;

  const float* labels = nullptr;  ///< rows × label_width, or null
  std::size_t label_width = 0;
  const float* weights = nullptr;  ///< one per row, or null: all one
  const std::uint64_t* qids = nullptr;  ///< the query that a row answers, for ranking; one per row, or null

  /// The last piece of a mini-batch. A mini-batch comes in several pieces when it is too large to hold at once; its
  /// pieces follow each other.
  bool completes_mini_batch = true;

  /// Runs of rows by source, ascending first_row, shared by all batches of one storage block; row 0 of this batch is row
  /// `origin_row` there.
  std::shared_ptr<const std::vector<Origin>> origins;
  std::size_t origin_row = 0;

  std::shared_ptr<const void> owner;

  bool sparse() const { return dense == nullptr; }
  /// "train/part-0.csv:118" or "train/x.pbr, record 41" for row i.
  std::string where(std::size_t row) const;
};

}  // namespace smtrain::formats
