// WaitingRows: rows copied out of batches until there are enough of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "formats/batch.h"

namespace smtrain::formats {

/// Rows first … first + count - 1 of a batch, as a view of it.
Batch rows_of(const Batch& batch, std::size_t first, std::size_t count);

/// Batches must be alike: all dense or all sparse, with the same columns, labels, weights and queries. Not thread-safe.
class WaitingRows {
 public:
  /// What the rows of a batch take here.
  static std::size_t bytes_of(const Batch& batch);

  void append(const Batch& batch);
  std::size_t rows() const { return rows_; }
  /// All of them; a view, valid until the next call.
  Batch batch() const;
  /// Keeps the memory.
  void clear();

 private:
  Batch shape_;  // what the batches have, without their numbers
  std::size_t rows_ = 0;
  std::vector<float> dense_, values_, labels_, weights_;
  std::vector<std::uint64_t> indptr_{0}, qids_;
  std::vector<std::uint32_t> indices_;
};

}  // namespace smtrain::formats
