#include "algos/rcf/explain.h"

#include <algorithm>

#include "algos/rcf/score_kernels.h"

namespace smtrain::rcf {
namespace {

double outside(float x, float low, float high) {
  const double q = static_cast<double>(x);
  return std::max({static_cast<double>(low) - q, q - static_cast<double>(high), 0.0});
}

}  // namespace

bool Climb::leaf(const float* point, std::size_t depth, double equal) {
  double sum = 0;
  for (std::size_t j = 0; j < x_.size(); ++j) sum += outside(x_[j], point[j], point[j]);
  if (!(sum > 0)) {
    s_ = equal;
    std::fill(shares_.begin(), shares_.end(), s_ / static_cast<double>(x_.size()));
    return false;
  }
  s_ = 1 / (static_cast<double>(depth) + 1);
  for (std::size_t j = 0; j < shares_.size(); ++j) shares_[j] = s_ * outside(x_[j], point[j], point[j]) / sum;
  return true;
}

bool Climb::inner(const float* box, double sides, std::size_t depth) {
  const auto low = [&](std::size_t j) { return box[j / kChunk * 2 * kChunk + j % kChunk]; };
  const auto high = [&](std::size_t j) { return box[j / kChunk * 2 * kChunk + kChunk + j % kChunk]; };
  double sum = 0;
  for (std::size_t j = 0; j < x_.size(); ++j) sum += outside(x_[j], low(j), high(j));
  if (!(sum > 0)) return false;
  const double p = sum / (sides + sum), here = 1 / (static_cast<double>(depth) + 1);
  s_ += p * (here - s_);
  for (std::size_t j = 0; j < shares_.size(); ++j) shares_[j] += p * (here * outside(x_[j], low(j), high(j)) / sum - shares_[j]);
  return true;
}

}  // namespace smtrain::rcf
