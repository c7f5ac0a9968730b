// Row blocks: fixed blocks of memory into which parsers write rows, and out of which batches are cut. Rows never move.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "formats/batch.h"
#include "formats/table_parser.h"

namespace smtrain::formats {

/// How rows are laid out in blocks and batches; follows from the shape alone, so that results do not depend on machines.
struct RowGeometry {
  std::size_t mini_batch_size = 1;
  std::size_t piece_rows = 1;  ///< rows of a batch: mini_batch_size, or fewer when that is too large to hold at once
  std::size_t block_rows = 1;  ///< rows of a storage block: several whole batches when they are small

  RowGeometry(std::size_t mini_batch, std::size_t row_bytes, std::size_t piece_bytes);
  /// Rows of the piece that begins at row `first` of its epoch.
  std::size_t piece_at(std::uint64_t first) const;
  bool completes_mini_batch(std::uint64_t end) const { return end % mini_batch_size == 0; }
};

/// A block of dense rows with labels, weights and query ids.
struct DenseBlock {
  std::shared_ptr<float> memory;
  std::shared_ptr<std::uint64_t> qids;  ///< null when the schema has none
  float* values = nullptr;
  float* labels = nullptr;
  float* weights = nullptr;
  std::size_t rows = 0;  ///< handed out to parsers
  std::shared_ptr<std::vector<Origin>> origins = std::make_shared<std::vector<Origin>>();
};

/// Hands out blocks of one size and takes their memory back when the last batch that views them is gone. Thread-safe;
/// blocks may outlive the pool.
class DenseBlockPool {
 public:
  DenseBlockPool(const TableSchema& schema, std::size_t block_rows);
  std::shared_ptr<DenseBlock> take();
  std::size_t block_bytes() const { return floats_ * sizeof(float) + (qids_ ? rows_ * sizeof(std::uint64_t) : 0); }

 private:
  struct Memory {
    std::shared_ptr<float> floats;
    std::shared_ptr<std::uint64_t> qids;
  };
  struct Free {
    std::mutex mutex;
    std::vector<Memory> memory;
  };
  Memory allocate() const;
  std::size_t cols_, label_width_, rows_, floats_;
  bool weights_, qids_;
  std::shared_ptr<Free> free_ = std::make_shared<Free>();
};

}  // namespace smtrain::formats
