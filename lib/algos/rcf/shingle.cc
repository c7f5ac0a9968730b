#include "algos/rcf/shingle.h"

#include <algorithm>
#include <memory>

#include "base/memory.h"
#include "job/staging.h"

namespace smtrain::rcf {
namespace {

struct Rows {
  std::shared_ptr<float> numbers;
  std::vector<float> labels;
};

formats::Batch batch_of(std::shared_ptr<Rows> rows, std::size_t count, std::size_t width, const formats::Batch& from) {
  formats::Batch batch;
  batch.rows = count;
  batch.cols = batch.ld = width;
  batch.dense = rows->numbers.get();
  batch.completes_mini_batch = from.completes_mini_batch;
  batch.owner = std::move(rows);
  return batch;
}

}  // namespace

formats::Batch Shingler::operator()(const formats::Batch& batch) {
  if (w_ == 1) return batch;
  const std::size_t before = last_.size() / d_, rows = before + batch.rows;
  const std::size_t count = rows < w_ ? 0 : rows - w_ + 1;
  std::vector<float> series(rows * d_);
  std::copy(last_.begin(), last_.end(), series.begin());
  for (std::size_t i = 0; i < batch.rows; ++i) job::copy_row(batch, i, series.data() + (before + i) * d_);
  auto joined = std::make_shared<Rows>();
  joined->numbers = allocate_array<float>(std::max<std::size_t>(count, 1) * width());
  for (std::size_t i = 0; i < count; ++i) std::copy_n(series.data() + i * d_, width(), joined->numbers.get() + i * width());
  formats::Batch out = batch_of(joined, count, width(), batch);
  if (batch.labels != nullptr) {
    for (std::size_t i = batch.rows - count; i < batch.rows; ++i) joined->labels.push_back(batch.labels[i * batch.label_width]);
    out.labels = joined->labels.data();
    out.label_width = 1;
  }
  out.origins = batch.origins;
  out.origin_row = batch.origin_row + (batch.rows - count);
  const std::size_t kept = std::min(rows, w_ - 1);
  last_.assign(series.end() - static_cast<std::ptrdiff_t>(kept * d_), series.end());
  return out;
}

formats::Batch dense(const formats::Batch& batch) {
  if (!batch.sparse() || batch.rows == 0) return batch;
  auto rows = std::make_shared<Rows>();
  rows->numbers = allocate_array<float>(batch.rows * batch.cols);
  for (std::size_t i = 0; i < batch.rows; ++i) job::copy_row(batch, i, rows->numbers.get() + i * batch.cols);
  formats::Batch out = batch_of(rows, batch.rows, batch.cols, batch);
  out.labels = batch.labels;
  out.label_width = batch.label_width;
  out.origins = batch.origins;
  out.origin_row = batch.origin_row;
  return out;
}

}  // namespace smtrain::rcf
