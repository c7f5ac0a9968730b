#include "formats/row_blocks.h"

#include <algorithm>

#include "base/memory.h"

namespace smtrain::formats {
namespace {

// Storage blocks of about this size keep allocation rare when mini-batches are small.
constexpr std::size_t kBlockBytes = std::size_t{4} << 20;

}  // namespace

RowGeometry::RowGeometry(std::size_t mini_batch, std::size_t row_bytes, std::size_t piece_bytes) {
  mini_batch_size = std::max<std::size_t>(mini_batch, 1);
  row_bytes = std::max<std::size_t>(row_bytes, 1);
  piece_rows = std::min(mini_batch_size, std::max<std::size_t>(piece_bytes / row_bytes, 1));
  block_rows = piece_rows == mini_batch_size
                   ? piece_rows * std::max<std::size_t>(kBlockBytes / row_bytes / piece_rows, 1)
                   : piece_rows;
}

std::size_t RowGeometry::piece_at(std::uint64_t first) const {
  const std::uint64_t left_in_mini_batch = mini_batch_size - first % mini_batch_size;
  return static_cast<std::size_t>(std::min<std::uint64_t>(left_in_mini_batch, piece_rows));
}

DenseBlockPool::DenseBlockPool(const TableSchema& schema, std::size_t block_rows)
    : cols_(schema.feature_dim), label_width_(schema.label_width), rows_(block_rows), weights_(schema.weights), qids_(schema.qids) {
  floats_ = rows_ * (cols_ + label_width_ + (weights_ ? 1 : 0));
}

DenseBlockPool::Memory DenseBlockPool::allocate() const {
  return {allocate_array<float>(floats_), qids_ ? allocate_array<std::uint64_t>(rows_) : nullptr};
}

std::shared_ptr<DenseBlock> DenseBlockPool::take() {
  Memory memory;
  {
    std::lock_guard lock(free_->mutex);
    if (!free_->memory.empty()) {
      memory = std::move(free_->memory.back());
      free_->memory.pop_back();
    }
  }
  if (!memory.floats) memory = allocate();
  // The pool is let go with the block: whoever still holds a weak_ptr to it would otherwise keep the memory of all blocks.
  auto give_back = [free = free_](DenseBlock* block) mutable {
    const auto pool = std::move(free);
    {
      std::lock_guard lock(pool->mutex);
      pool->memory.push_back({std::move(block->memory), std::move(block->qids)});
    }
    delete block;
  };
  auto block = std::shared_ptr<DenseBlock>(new DenseBlock, give_back);
  block->values = memory.floats.get();
  float* after = block->values + rows_ * cols_;
  if (label_width_ > 0) block->labels = after;
  if (weights_) block->weights = after + rows_ * label_width_;
  block->memory = std::move(memory.floats);
  block->qids = std::move(memory.qids);
  return block;
}

}  // namespace smtrain::formats
