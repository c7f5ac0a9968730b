#include "compute/cpu/vector_product.h"

#include <algorithm>

#include "compute/cpu/threads.h"

namespace smtrain::compute {
namespace {

constexpr std::size_t kAlone = 1 << 17;  // numbers of a below which waking a team costs more than it saves
constexpr std::size_t kBand = 512;       // columns of which the sums stay in the first-level cache

}  // namespace

bool is_vector_product(bool transpose_b, const Mat& b, const Mat& c) {
  return c.cols == 1 && c.dtype == DType::f32 && (!transpose_b || b.rows == 1);
}

void VectorProduct::run(bool transpose_a, double alpha, const Mat& a, const Mat& b, double beta, const Mat& c) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const std::size_t k = transpose_a ? a.rows : a.cols, stride = b.rows == 1 ? 1 : b.ld;
  vector_.resize(k);
  for (std::size_t l = 0; l < k; ++l) vector_[l] = b.at<float>()[l * stride];
  const auto scale = static_cast<float>(alpha), keep = static_cast<float>(beta);
  const auto put = [&](std::size_t i, float sum) {
    float& to = c.at<float>()[i * c.ld];
    to = keep == 0 ? scale * sum : keep * to + scale * sum;
  };
  if (transpose_a) {
    add_rows(a, vector_.data());
    for (std::size_t i = 0; i < c.rows; ++i) put(i, sums_[i]);
    return;
  }
  [[maybe_unused]] const int team = a.rows * a.cols < kAlone ? 1 : team_size(threads_, a.rows);
#pragma omp parallel for num_threads(team) if (team > 1) schedule(static)
  for (std::size_t i = 0; i < c.rows; ++i) put(i, kernels_.dot(a.at<float>() + i * a.ld, vector_.data(), k));
}

void VectorProduct::add_rows(const Mat& a, const float* b) {
  sums_.assign(a.cols, 0.0f);
  const std::size_t bands = (a.cols + kBand - 1) / kBand;
  [[maybe_unused]] const int team = a.rows * a.cols < kAlone ? 1 : team_size(threads_, bands);
#pragma omp parallel for num_threads(team) if (team > 1) schedule(static)
  for (std::size_t t = 0; t < bands; ++t) {
    const std::size_t first = t * kBand, count = std::min(kBand, a.cols - first);
    for (std::size_t i = 0; i < a.rows; ++i) kernels_.add_scaled(b[i], a.at<float>() + i * a.ld + first, count, sums_.data() + first);
  }
}

}  // namespace smtrain::compute
