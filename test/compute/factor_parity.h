// What every Backend must do of factorization machines: scores and gradients against plain double-precision forms.
#pragma once

#include "compute/learning_parity.h"

namespace smtrain::compute::test {

/// Rendle 2010, equation 1, pair by pair: nothing of the form that the kernels use. x (d), p (d, k + 1).
inline double plain_factor_score(const std::vector<double>& x, const std::vector<double>& p, std::size_t k) {
  double score = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (x[i] == 0) continue;
    score += p[i * (k + 1) + k] * x[i];
    for (std::size_t j = i + 1; j < x.size(); ++j) {
      double inner = 0;
      for (std::size_t f = 0; f < k; ++f) inner += p[i * (k + 1) + f] * p[j * (k + 1) + f];
      score += inner * x[i] * x[j];
    }
  }
  return score;
}

inline std::vector<std::vector<double>> spelled_out(const SparseSample& x) {
  std::vector<std::vector<double>> rows(x.rows, std::vector<double>(x.cols));
  for (std::size_t i = 0; i < x.rows; ++i) {
    for (std::uint64_t e = x.indptr[i] - x.indptr[0]; e < x.indptr[i + 1] - x.indptr[0]; ++e) rows[i][x.indices[e]] = static_cast<double>(x.values[e]);
  }
  return rows;
}

inline void check_factors(Backend& backend, std::mt19937& random, std::size_t n, std::size_t d, std::size_t k, double density) {
  INFO("n=" << n << " d=" << d << " k=" << k << " density=" << density << " seed=" << seed());
  Queue& queue = backend.main_queue();
  const SparseSample x(random, n, d, density);
  const std::vector<float> numbers = normal_numbers(random, d * (k + 1), 0.5), r = normal_numbers(random, n), before = normal_numbers(random, d * (k + 1));
  auto rows = backend.make_sparse_rows();
  auto touched = backend.make_row_set(d);
  backend.load(queue, *rows, x.view(), {}, nullptr);
  const Mat p = row_matrix(backend, numbers, d, k + 1), g = row_matrix(backend, before, d, k + 1);
  const Mat s = backend.allocate(n, k, DType::f32), z = backend.allocate(n, 1, DType::f32);
  backend.factor_scores(queue, *rows, p, s, z);
  const auto got_z = values<float>(backend, z), got_s = values<float>(backend, s);
  backend.factor_gradient(queue, *rows, p, s, row_matrix(backend, r, n, 1), g, *touched);
  const auto got_g = values<float>(backend, g);

  std::vector<double> parameters(numbers.begin(), numbers.end());
  const auto all = spelled_out(x);
  double worst_z = 0, worst_s = 0, worst_g = 0;
  for (std::size_t i = 0; i < n; ++i) {
    worst_z = std::max(worst_z, gap(static_cast<double>(got_z[i]), plain_factor_score(all[i], parameters, k)));
    for (std::size_t f = 0; f < k; ++f) {
      double sum = 0;
      for (std::size_t j = 0; j < d; ++j) sum += all[i][j] * parameters[j * (k + 1) + f];
      worst_s = std::max(worst_s, gap(static_cast<double>(got_s[i * k + f]), sum));
    }
  }
  CHECK(worst_z < 2e-4);
  CHECK(worst_s < 1e-5);
  // Central differences of sum r z; a score is a polynomial of degree two in each parameter, so that they are exact but for rounding.
  const auto total = [&] {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += static_cast<double>(r[i]) * plain_factor_score(all[i], parameters, k);
    return sum;
  };
  const double h = 1e-3;
  for (std::size_t t = 0; t < 60; ++t) {
    const std::size_t at = random() % parameters.size();
    const double own = parameters[at];
    parameters[at] = own + h;
    const double above = total();
    parameters[at] = own - h;
    const double below = total();
    parameters[at] = own;
    worst_g = std::max(worst_g, gap(static_cast<double>(got_g[at]) - static_cast<double>(before[at]), (above - below) / (2 * h)));
  }
  CHECK(worst_g < 2e-4);
  std::vector<std::uint32_t> occurring(x.indices.begin(), x.indices.end());
  std::sort(occurring.begin(), occurring.end());
  occurring.erase(std::unique(occurring.begin(), occurring.end()), occurring.end());
  CHECK(backend.pick(queue, *touched, g).ids == occurring);
}

/// k around the widths of vectors and blocks.
inline void check_factorization(Backend& backend) {
  std::mt19937 random(seed());
  for (const std::size_t k : {1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 64, 67, 130}) {
    check_factors(backend, random, 1 + random() % 30, 1 + random() % 40, k, 0.1 + 0.2 * static_cast<double>(random() % 4));
  }
  check_factors(backend, random, 300, 9, 5, 0.2);
  check_factors(backend, random, 3, 5, 2, 0);  // rows without numbers
}

}  // namespace smtrain::compute::test
