#include "formats/waiting_rows.h"

namespace smtrain::formats {

Batch rows_of(const Batch& batch, std::size_t first, std::size_t count) {
  Batch some = batch;
  some.rows = count;
  if (batch.sparse()) {
    const std::uint64_t skipped = batch.indptr[first] - batch.indptr[0];
    some.indptr += first;
    some.indices += skipped;
    some.values += skipped;
  } else {
    some.dense += first * batch.ld;
  }
  if (batch.labels != nullptr) some.labels += first * batch.label_width;
  if (batch.weights != nullptr) some.weights += first;
  if (batch.qids != nullptr) some.qids += first;
  some.origin_row += first;
  return some;
}

std::size_t WaitingRows::bytes_of(const Batch& batch) {
  const std::size_t entries = batch.sparse() ? static_cast<std::size_t>(batch.indptr[batch.rows] - batch.indptr[0]) : 0;
  const std::size_t numbers = batch.sparse() ? 2 * (entries + batch.rows) : batch.rows * batch.cols;
  const std::size_t aside =
      (batch.labels != nullptr ? batch.label_width : 0) + (batch.weights != nullptr ? 1 : 0) + (batch.qids != nullptr ? 2 : 0);
  return (numbers + batch.rows * aside) * sizeof(float);
}

void WaitingRows::append(const Batch& batch) {
  shape_ = Batch{};
  shape_.cols = batch.cols;
  shape_.label_width = batch.label_width;
  if (batch.sparse()) {
    const std::uint64_t first = batch.indptr[0], entries = batch.indptr[batch.rows] - first, before = indptr_.back();
    indices_.insert(indices_.end(), batch.indices, batch.indices + entries);
    values_.insert(values_.end(), batch.values, batch.values + entries);
    for (std::size_t i = 1; i <= batch.rows; ++i) indptr_.push_back(before + batch.indptr[i] - first);
  } else {
    for (std::size_t i = 0; i < batch.rows; ++i) {
      const float* const row = batch.dense + i * batch.ld;
      dense_.insert(dense_.end(), row, row + batch.cols);
    }
  }
  if (batch.labels != nullptr) labels_.insert(labels_.end(), batch.labels, batch.labels + batch.rows * batch.label_width);
  if (batch.weights != nullptr) weights_.insert(weights_.end(), batch.weights, batch.weights + batch.rows);
  if (batch.qids != nullptr) qids_.insert(qids_.end(), batch.qids, batch.qids + batch.rows);
  rows_ += batch.rows;
}

Batch WaitingRows::batch() const {
  Batch all = shape_;
  all.rows = rows_;
  if (dense_.empty()) {
    all.indptr = indptr_.data();
    all.indices = indices_.data();
    all.values = values_.data();
  } else {
    all.dense = dense_.data();
    all.ld = shape_.cols;
  }
  all.labels = labels_.empty() ? nullptr : labels_.data();
  all.weights = weights_.empty() ? nullptr : weights_.data();
  all.qids = qids_.empty() ? nullptr : qids_.data();
  return all;
}

void WaitingRows::clear() {
  rows_ = 0;
  for (std::vector<float>* numbers : {&dense_, &values_, &labels_, &weights_}) numbers->clear();
  indptr_.assign(1, 0);
  qids_.clear();
  indices_.clear();
}

}  // namespace smtrain::formats
