#include "algos/factorization_machines/sparse_rows.h"

#include <algorithm>

namespace smtrain::fm {

void RowLoader::for_each(const formats::Batch& batch, std::size_t most, const Use& use,
                         const std::function<bool(std::uint32_t)>& keep) {
  for (std::size_t first = 0; first < batch.rows; first += most) {
    const std::size_t count = std::min(most, batch.rows - first);
    load(batch, first, count, keep);
    use(*rows_, first, count);
  }
}

// Rows that are not spelled anew are handed on as they are.
void RowLoader::load(const formats::Batch& batch, std::size_t first, std::size_t count,
                     const std::function<bool(std::uint32_t)>& keep) {
  compute::Queue& queue = backend_.main_queue();
  if (batch.sparse() && !keep) {
    const std::uint64_t skipped = batch.indptr[first] - batch.indptr[0];
    backend_.load(queue, *rows_, {batch.indptr + first, batch.indices + skipped, batch.values + skipped, count, batch.cols}, {}, batch.owner);
    return;
  }
  indptr_.assign(1, 0);
  indices_.clear();
  values_.clear();
  const auto add = [&](std::uint32_t column, float value) {
    if (value == 0 || (keep && !keep(column))) return;
    indices_.push_back(column);
    values_.push_back(value);
  };
  for (std::size_t i = first; i < first + count; ++i) {
    if (batch.sparse()) {
      const std::uint64_t base = batch.indptr[0];
      for (std::uint64_t j = batch.indptr[i] - base; j < batch.indptr[i + 1] - base; ++j) add(batch.indices[j], batch.values[j]);
    } else {
      for (std::size_t j = 0; j < batch.cols; ++j) add(static_cast<std::uint32_t>(j), batch.dense[i * batch.ld + j]);
    }
    indptr_.push_back(indices_.size());
  }
  backend_.load(queue, *rows_, {indptr_.data(), indices_.data(), values_.data(), count, batch.cols}, {}, nullptr);
}

}  // namespace smtrain::fm
