#include "formats/row_cache.h"

namespace smtrain::formats {
namespace {

std::uint64_t bytes_of(const Batch& batch) {
  const std::uint64_t numbers = batch.sparse() ? 2 * (batch.indptr[batch.rows] - batch.indptr[0]) + 2 * batch.rows
                                               : std::uint64_t{batch.rows} * batch.cols;
  const std::uint64_t qids = batch.qids == nullptr ? 0 : batch.rows * sizeof(std::uint64_t);
  return (numbers + batch.rows * (batch.label_width + 1)) * sizeof(float) + qids;
}

}  // namespace

void RowCache::keep(const Batch& batch, std::uint64_t first_row, bool spools) {
  const std::uint64_t bytes = bytes_of(batch);
  if (!full_ && bytes_ + bytes > limit_) {
    full_ = true;
    rows_ = first_row;
    log_.info("{} rows are kept in memory between epochs; the rest is {}", first_row, spools ? "spooled to scratch" : "read again in each");
  }
  if (!full_) {
    bytes_ += bytes;
    batches_.push_back(batch);
  } else if (spools) {
    spool_.append(batch);
  }
}

void RowCache::rewind() {
  replayed_ = 0;
  spool_.rewind();
}

bool RowCache::next(Batch& batch) {
  if (replayed_ == batches_.size()) return false;
  batch = batches_[replayed_++];
  return true;
}

}  // namespace smtrain::formats
