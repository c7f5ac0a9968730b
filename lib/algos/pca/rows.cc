#include "algos/pca/rows.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace smtrain::pca {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{16} << 20, kMostRows = 1920, kVector = 8;

std::size_t padded(std::size_t d) { return (d + 1 + kVector - 1) / kVector * kVector; }
std::size_t chunk_rows(std::size_t d) { return std::clamp<std::size_t>(kBufferBytes / sizeof(double) / padded(d), 1, kMostRows); }

// Four sums, since one chain would wait for its own additions.
double squares_of(const float* x, const double* shift, std::size_t d) {
  double sums[4] = {0, 0, 0, 0};
  std::size_t j = 0;
  for (; j + 4 <= d; j += 4) {
    for (std::size_t l = 0; l < 4; ++l) {
      const double v = static_cast<double>(x[j + l]) - (shift == nullptr ? 0.0 : shift[j + l]);
      sums[l] += v * v;
    }
  }
  for (; j < d; ++j) {
    const double v = static_cast<double>(x[j]) - (shift == nullptr ? 0.0 : shift[j]);
    sums[0] += v * v;
  }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

}  // namespace

std::uint64_t entries(const formats::Batch& batch) {
  if (batch.rows == 0) return 0;
  return batch.sparse() ? batch.indptr[batch.rows] - batch.indptr[0] : static_cast<std::uint64_t>(batch.rows) * batch.cols;
}

bool is_scattered(const formats::Batch& batch) {
  return batch.sparse() &&
         kScattered * static_cast<double>(entries(batch)) <= static_cast<double>(batch.rows) * static_cast<double>(batch.cols);
}

double ShiftedRows::bytes(std::size_t d) { return 2.0 * static_cast<double>(chunk_rows(d) * padded(d) * sizeof(double)); }

ShiftedRows::ShiftedRows(compute::Backend& backend, std::size_t d, std::vector<double> shift)
    : backend_(backend), d_(d), chunk_(chunk_rows(d)), shift_(std::move(shift)), staging_(backend) {}

void ShiftedRows::for_each(const formats::Batch& batch, const Use& use) {
  if (batch.rows == 0) return;
  compute::Queue& queue = backend_.main_queue();
  if (buffer_.rows == 0) {
    buffer_ = backend_.allocate(chunk_, padded(d_), compute::DType::f64);
    buffer_.cols = d_ + 1;
    if (!shift_.empty()) {
      shift_there_ = backend_.allocate(1, d_, compute::DType::f64);
      backend_.write(queue, shift_there_, shift_.data());
    }
  }
  if (batch.weights != nullptr || !backend_.supports(compute::Op::standardize, compute::DType::f64)) return for_each_weighted(batch, use);
  if (!std::exchange(ones_, true)) {
    compute::Mat last = buffer_;
    last.offset += d_;
    last.cols = 1;
    backend_.write(queue, last, std::vector<double>(chunk_, 1.0).data());
  }
  staging_.for_each(batch, [&](const compute::Mat& x, std::size_t) {
    for (std::size_t first = 0; first < x.rows; first += chunk_) {
      const compute::Mat y = buffer_.row_range(0, std::min(chunk_, x.rows - first));
      compute::Mat features = y;
      features.cols = d_;
      backend_.standardize(queue, x.row_range(first, y.rows), shift_there_, {}, features);
      use(y);
    }
  });
}

// Spelled out on the host, a row's weight with it.
void ShiftedRows::for_each_weighted(const formats::Batch& batch, const Use& use) {
  ones_ = false;
  for (std::size_t first = 0; first < batch.rows; first += chunk_) {
    const compute::Mat y = buffer_.row_range(0, std::min(chunk_, batch.rows - first));
    spell_out(batch, first, y.rows);
    backend_.write(backend_.main_queue(), y, host_.data());
    use(y);
  }
}

void ShiftedRows::spell_out(const formats::Batch& batch, std::size_t first, std::size_t count) {
  host_.resize(count * (d_ + 1));
  std::vector<float> row(d_);
  for (std::size_t i = 0; i < count; ++i) {
    job::copy_row(batch, first + i, row.data());
    const double root = batch.weights == nullptr ? 1.0 : std::sqrt(static_cast<double>(batch.weights[first + i]));
    double* to = host_.data() + i * (d_ + 1);
    for (std::size_t j = 0; j < d_; ++j) to[j] = root * (static_cast<double>(row[j]) - (shift_.empty() ? 0.0 : shift_[j]));
    to[d_] = root;
  }
}

double ShiftedRows::squares(const formats::Batch& batch) const {
  const double* shift = shift_.empty() ? nullptr : shift_.data();
  double sum = 0;
  std::vector<float> row(batch.sparse() && shift != nullptr ? d_ : 0);
  for (std::size_t i = 0; i < batch.rows; ++i) {
    const double weight = batch.weights == nullptr ? 1.0 : static_cast<double>(batch.weights[i]);
    if (!batch.sparse()) {
      sum += weight * squares_of(batch.dense + i * batch.ld, shift, d_);
    } else if (shift == nullptr) {
      const std::uint64_t from = batch.indptr[i] - batch.indptr[0], to = batch.indptr[i + 1] - batch.indptr[0];
      sum += weight * squares_of(batch.values + from, nullptr, static_cast<std::size_t>(to - from));
    } else {
      job::copy_row(batch, i, row.data());
      sum += weight * squares_of(row.data(), shift, d_);
    }
  }
  return sum;
}

}  // namespace smtrain::pca
