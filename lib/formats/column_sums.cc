#include "formats/column_sums.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace smtrain::formats {
namespace {

constexpr float kLargest = std::numeric_limits<float>::max();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::size_t kMostPending = std::size_t{1} << 31;

template <class T>
void add_all(std::vector<std::uint64_t>& to, std::vector<T>& from) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}

// Without a call to floor, which the baseline instruction set lacks; from 2^24 on every float is whole.
bool is_fraction(float x) {
  const bool small = std::fabs(x) < 16777216.0f;
  const int whole = static_cast<int>(small ? x : 0.0f);
  return small & (static_cast<float>(whole) != x);
}

}  // namespace

template <class T>
void ColumnSums::Counts<T>::resize(std::size_t n) {
  for (std::vector<T>* v : {&finite, &zeros, &infinite, &missing, &fractions}) v->resize(n);
}

ColumnSums::ColumnSums(std::span<const float> pivot)
    : pivot_(pivot.begin(), pivot.end()),
      min_(pivot.size(), kInfinity),
      max_(pivot.size(), -kInfinity),
      sum_(pivot.size()),
      square_(pivot.size()) {
  for (float& p : pivot_) p = std::isfinite(p) ? p : 0;
  counts_.resize(pivot.size());
  pending_.resize(pivot.size());
}

void ColumnSums::add_dense(const float* values, std::size_t rows, std::size_t ld) {
  const std::size_t cols = pivot_.size();
  for (std::size_t i = 0; i < rows; ++i) {
    const float* const __restrict x = values + i * ld;
    const float* const __restrict pivot = pivot_.data();
    float* const __restrict min = min_.data();
    float* const __restrict max = max_.data();
    double* const __restrict sum = sum_.data();
    double* const __restrict square = square_.data();
    for (std::size_t j = 0; j < cols; ++j) {
      const bool finite = std::fabs(x[j]) <= kLargest;
      const double d = finite ? static_cast<double>(x[j]) - static_cast<double>(pivot[j]) : 0.0;
      sum[j] += d;
      square[j] += d * d;
      min[j] = finite && x[j] < min[j] ? x[j] : min[j];
      max[j] = finite && x[j] > max[j] ? x[j] : max[j];
    }
    std::uint32_t* const __restrict finites = pending_.finite.data();
    std::uint32_t* const __restrict zeros = pending_.zeros.data();
    std::uint32_t* const __restrict missing = pending_.missing.data();
    std::uint32_t* const __restrict infinite = pending_.infinite.data();
    std::uint32_t* const __restrict fractions = pending_.fractions.data();
    for (std::size_t j = 0; j < cols; ++j) {
      const bool finite = std::fabs(x[j]) <= kLargest, number = x[j] == x[j];
      finites[j] += finite;
      zeros[j] += x[j] == 0.0f;
      missing[j] += !number;
      infinite[j] += number & !finite;
      fractions[j] += finite & is_fraction(x[j]);
    }
    if ((i + 1) % kMostPending == 0) settle();
  }
  settle();
}

void ColumnSums::settle() {
  add_all(counts_.finite, pending_.finite);
  add_all(counts_.zeros, pending_.zeros);
  add_all(counts_.missing, pending_.missing);
  add_all(counts_.infinite, pending_.infinite);
  add_all(counts_.fractions, pending_.fractions);
  for (auto* v : {&pending_.finite, &pending_.zeros, &pending_.missing, &pending_.infinite, &pending_.fractions}) {
    std::fill(v->begin(), v->end(), 0);
  }
}

void ColumnSums::add(std::size_t column, float value) {
  if (!std::isfinite(value)) {
    ++(std::isnan(value) ? counts_.missing : counts_.infinite)[column];
    return;
  }
  const double d = static_cast<double>(value) - static_cast<double>(pivot_[column]);
  sum_[column] += d;
  square_[column] += d * d;
  min_[column] = std::min(min_[column], value);
  max_[column] = std::max(max_[column], value);
  ++counts_.finite[column];
  counts_.zeros[column] += value == 0.0f;
  counts_.fractions[column] += is_fraction(value);
}

void ColumnSums::merge(const ColumnSums& other) {
  for (std::size_t j = 0; j < pivot_.size(); ++j) {
    sum_[j] += other.sum_[j];
    square_[j] += other.square_[j];
    min_[j] = std::min(min_[j], other.min_[j]);
    max_[j] = std::max(max_[j], other.max_[j]);
    counts_.finite[j] += other.counts_.finite[j];
    counts_.zeros[j] += other.counts_.zeros[j];
    counts_.missing[j] += other.counts_.missing[j];
    counts_.infinite[j] += other.counts_.infinite[j];
    counts_.fractions[j] += other.counts_.fractions[j];
  }
}

ColumnStats ColumnSums::stats(std::size_t column, std::uint64_t rows) const {
  ColumnStats s;
  s.missing = counts_.missing[column];
  s.infinite = counts_.infinite[column];
  const std::uint64_t added = counts_.finite[column], implicit = rows - std::min(rows, added + s.missing + s.infinite);
  s.values = added + implicit;
  s.zeros = counts_.zeros[column] + implicit;
  s.integral = counts_.fractions[column] == 0;
  if (s.values == 0) return s;
  s.min = implicit > 0 ? std::min(0.0f, min_[column]) : min_[column];
  s.max = implicit > 0 ? std::max(0.0f, max_[column]) : max_[column];
  const double n = static_cast<double>(s.values), pivot = static_cast<double>(pivot_[column]), zeros = static_cast<double>(implicit);
  const double sum = sum_[column] - zeros * pivot, square = square_[column] + zeros * pivot * pivot;
  s.mean = pivot + sum / n;
  if (s.values > 1) s.std = std::sqrt(std::max(0.0, square - sum * (sum / n)) / (n - 1));
  return s;
}

ColumnStats combined(std::span<const ColumnStats> columns) {
  ColumnStats all;
  double sum = 0, square = 0;
  for (const ColumnStats& c : columns) {
    if (c.values > 0) {
      all.min = all.values == 0 ? c.min : std::min(all.min, c.min);
      all.max = all.values == 0 ? c.max : std::max(all.max, c.max);
      sum += static_cast<double>(c.values) * c.mean;
    }
    all.values += c.values;
    all.zeros += c.zeros;
    all.missing += c.missing;
    all.infinite += c.infinite;
    all.integral &= c.integral;
  }
  if (all.values == 0) return all;
  all.mean = sum / static_cast<double>(all.values);
  for (const ColumnStats& c : columns) {
    const double n = static_cast<double>(c.values), apart = c.mean - all.mean;
    square += std::max(0.0, n - 1) * c.std * c.std + n * apart * apart;
  }
  if (all.values > 1) all.std = std::sqrt(square / static_cast<double>(all.values - 1));
  return all;
}

}  // namespace smtrain::formats
