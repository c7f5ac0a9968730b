// Plain double-precision forms of the operations, random shapes, and backends of every kernel level, for the tests.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "compute/cpu/cpu_backend.h"

namespace smtrain::compute::test {

/// The levels this machine can run.
inline std::vector<KernelLevel> levels() {
  std::vector<KernelLevel> all{KernelLevel::baseline};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) all.push_back(KernelLevel::avx2);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")) all.push_back(KernelLevel::avx512);
#endif
  return all;
}

/// A new seed each run unless SMTRAIN_TEST_SEED names one; tests print it.
inline unsigned seed() {
  static const unsigned value = [] {
    const char* text = std::getenv("SMTRAIN_TEST_SEED");
    return text != nullptr ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : std::random_device{}();
  }();
  return value;
}

/// rows x ld random normal numbers; whole numbers of -3 ... 3 when `small_integers`, so that ties occur.
inline std::vector<float> random_rows(std::mt19937& random, std::size_t rows, std::size_t ld, bool small_integers = false) {
  std::vector<float> x(rows * ld);
  std::normal_distribution<float> normal;
  std::uniform_int_distribution<int> whole(-3, 3);
  for (float& v : x) v = small_integers ? static_cast<float>(whole(random)) : normal(random);
  return x;
}

/// A matrix that holds a copy of packed numbers.
template <class T>
Mat matrix(Backend& backend, const std::vector<T>& values, std::size_t rows, std::size_t cols, DType type) {
  Mat m = backend.allocate(rows, cols, type);
  backend.write(backend.main_queue(), m, values.data());
  return m;
}
inline Mat matrix(Backend& backend, const std::vector<float>& values, std::size_t rows, std::size_t cols) {
  return matrix(backend, values, rows, cols, DType::f32);
}

template <class T>
std::vector<T> values(Backend& backend, const Mat& m) {
  std::vector<T> out(m.rows * m.cols);
  backend.read(backend.main_queue(), out.data(), m);
  return out;
}

inline Mat zeros(Backend& backend, std::size_t rows, std::size_t cols, DType type) {
  Mat m = backend.allocate(rows, cols, type);
  backend.zero(backend.main_queue(), m);
  return m;
}

inline double squared_distance(const float* a, const float* b, std::size_t d) {
  double sum = 0;
  for (std::size_t j = 0; j < d; ++j) sum += std::pow(static_cast<double>(a[j]) - static_cast<double>(b[j]), 2);
  return sum;
}

inline std::size_t nearest_row(const float* x, const std::vector<float>& c, std::size_t k, std::size_t d) {
  std::size_t best = 0;
  double least = INFINITY;
  for (std::size_t i = 0; i < k; ++i) {
    const double distance = squared_distance(x, c.data() + i * d, d);
    if (distance < least) {
      least = distance;
      best = i;
    }
  }
  return best;
}

}  // namespace smtrain::compute::test
