#include "algos/knn/projection.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/each_index.h"
#include "base/random.h"

namespace smtrain::knn {
namespace {

using compute::DType;
using compute::Mat;

constexpr std::size_t kRowsAtOnce = 1024;

// Signs from the bits of consecutive draws, the lowest bit first.
class Signs {
 public:
  explicit Signs(RandomStream random) : random_(random) {}
  bool negative() {
    if (left_ == 0) {
      bits_ = random_.next_u32();
      left_ = 32;
    }
    const bool bit = (bits_ & 1u) != 0;
    bits_ >>= 1;
    --left_;
    return bit;
  }

 private:
  RandomStream random_;
  std::uint32_t bits_ = 0;
  int left_ = 0;
};

// The Walsh-Hadamard transform of n = 2^p numbers in place, not normalised.
void hadamard(float* x, std::size_t n) {
  for (std::size_t half = 1; half < n; half *= 2) {
    for (std::size_t i = 0; i < n; i += 2 * half) {
      for (std::size_t j = i; j < i + half; ++j) {
        const float a = x[j], b = x[j + half];
        x[j] = a + b;
        x[j + half] = a - b;
      }
    }
  }
}

}  // namespace

Projection::Projection(const Shape& shape) : shape_(shape) {
  const std::size_t d = shape.feature_dim, t = shape.target;
  Signs signs(RandomStream(shape.seed, "knn.projection.signs"));
  if (shape.reduction == Reduction::sign) {
    const float size = static_cast<float>(1 / std::sqrt(static_cast<double>(t)));
    matrix_.resize(d * t);
    for (std::size_t i = 0; i < t; ++i)
      for (std::size_t j = 0; j < d; ++j) matrix_[j * t + i] = signs.negative() ? -size : size;
  } else if (shape.reduction == Reduction::fjlt) {
    padded_ = std::bit_ceil(d);
    for (std::size_t j = 0; j < d; ++j) signs_.push_back(signs.negative() ? -1.0f : 1.0f);
    RandomStream random(shape.seed, "knn.projection.coordinates");
    coordinates_ = random.sample_without_replacement(padded_, t);
  }
}

std::string Projection::file() const {
  std::string out;
  const auto put = [&](const auto& value) { out.append(reinterpret_cast<const char*>(&value), sizeof value); };
  for (std::size_t i = 0; i < shape_.target && !matrix_.empty(); ++i)
    for (std::size_t j = 0; j < shape_.feature_dim; ++j) put(matrix_[j * shape_.target + i]);
  for (const float sign : signs_) put(sign);
  for (const std::uint64_t coordinate : coordinates_) put(static_cast<std::int32_t>(coordinate));
  return out;
}

void Projection::transform(const float* x, float* y, std::vector<float>& scratch) const {
  scratch.assign(padded_, 0.0f);
  for (std::size_t j = 0; j < signs_.size(); ++j) scratch[j] = signs_[j] * x[j];
  hadamard(scratch.data(), padded_);
  const float factor = static_cast<float>(1 / std::sqrt(static_cast<double>(coordinates_.size())));
  for (std::size_t i = 0; i < coordinates_.size(); ++i) y[i] = factor * scratch[static_cast<std::size_t>(coordinates_[i])];
}

RowShaper::RowShaper(compute::Backend& backend, const Shape& shape)
    : backend_(backend), shape_(shape), projection_(shape), staging_(backend) {
  if (shape.reduction != Reduction::sign) return;
  matrix_ = backend.allocate(shape.feature_dim, shape.target, DType::f32);
  backend.write(backend.main_queue(), matrix_, projection_.matrix().data());
}

void RowShaper::for_each(const formats::Batch& batch, const std::function<void(const Mat& x, std::size_t first)>& use) {
  if (!shape_.changes_rows()) return staging_.for_each(batch, use);
  std::vector<std::size_t> rows;
  for (std::size_t first = 0; first < batch.rows; first += kRowsAtOnce) {
    rows.clear();
    for (std::size_t i = first; i < std::min(batch.rows, first + kRowsAtOnce); ++i) rows.push_back(i);
    const std::vector<float> made = rows_of(batch, rows);
    const Mat x = backend_.allocate(rows.size(), shape_.width, DType::f32);
    backend_.write(backend_.main_queue(), x, made.data());
    use(x, first);
  }
}

std::vector<float> RowShaper::rows_of(const formats::Batch& batch, std::span<const std::size_t> rows) {
  const std::size_t d = shape_.feature_dim;
  std::vector<float> raw(rows.size() * d);
  for (std::size_t i = 0; i < rows.size(); ++i) job::copy_row(batch, rows[i], raw.data() + i * d);
  return shape_.changes_rows() ? shaped(std::move(raw), rows.size()) : raw;
}

std::vector<float> RowShaper::shaped(std::vector<float> rows, std::size_t count) {
  const std::size_t d = shape_.feature_dim, t = shape_.target;
  std::vector<float> out(count * shape_.width, 0.0f);
  if (shape_.reduction == Reduction::sign && count > 0) {
    compute::Queue& queue = backend_.main_queue();
    const Mat x = backend_.allocate(count, d, DType::f32), y = backend_.allocate(count, t, DType::f32);
    backend_.write(queue, x, rows.data());
    backend_.gemm(queue, false, false, 1, x, matrix_, 0, y);
    std::vector<float> made(count * t);
    backend_.read(queue, made.data(), y);
    for (std::size_t i = 0; i < count; ++i) std::copy_n(made.data() + i * t, t, out.data() + i * shape_.width);
  }
  each_index(backend_.device().threads, (count + 63) / 64, [&](std::size_t block) {
    std::vector<float> scratch;
    for (std::size_t i = block * 64; i < std::min(count, (block + 1) * 64); ++i) {
      float* row = out.data() + i * shape_.width;
      if (shape_.reduction == Reduction::fjlt) projection_.transform(rows.data() + i * d, row, scratch);
      if (shape_.reduction == Reduction::none) std::copy_n(rows.data() + i * d, d, row);
      finish(row);
    }
  });
  return out;
}

void RowShaper::finish(float* row) const {
  if (!shape_.unit_length) return;
  double square = 0;
  for (std::size_t j = 0; j < shape_.target; ++j) square += static_cast<double>(row[j]) * static_cast<double>(row[j]);
  if (!(square > 0)) return;
  const double factor = 1 / std::sqrt(square);
  for (std::size_t j = 0; j < shape_.target; ++j) row[j] = static_cast<float>(factor * static_cast<double>(row[j]));
}

}  // namespace smtrain::knn
