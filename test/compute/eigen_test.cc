#include "compute/eigen.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <omp.h>

#include "base/error.h"
#include "compute/reference.h"

using namespace smtrain::compute;
using namespace smtrain::compute::test;

namespace {

// a = transposed(x) x of random x (rows, n), so that its rank is at most `rows`.
std::vector<double> random_scatter(std::size_t n, std::size_t rows, std::mt19937& random) {
  const std::vector<float> x = random_rows(random, rows, n);
  std::vector<double> a(n * n);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) a[i * n + j] += static_cast<double>(x[r * n + i]) * static_cast<double>(x[r * n + j]);
  return a;
}

// Residuals a v - lambda v, and products of vectors with each other.
void check(const std::vector<double>& a, std::size_t n, const Eigen& e, std::size_t count) {
  REQUIRE(e.values.size() == count);
  REQUIRE(e.vectors.size() == count * n);
  double trace = 1e-300, worst = 0, skew = 0;
  for (std::size_t i = 0; i < n; ++i) trace += a[i * n + i];
  for (std::size_t c = 0; c < count; ++c) {
    if (c > 0) CHECK(e.values[c - 1] <= e.values[c]);
    const double* v = e.vectors.data() + c * n;
    for (std::size_t i = 0; i < n; ++i) {
      double sum = 0;
      for (std::size_t j = 0; j < n; ++j) sum += a[i * n + j] * v[j];
      worst = std::max(worst, std::abs(sum - e.values[c] * v[i]));
    }
    for (std::size_t b = 0; b <= c; ++b) {
      double dot = 0;
      for (std::size_t j = 0; j < n; ++j) dot += v[j] * e.vectors[b * n + j];
      skew = std::max(skew, std::abs(dot - (b == c ? 1 : 0)));
    }
  }
  CHECK(worst < 1e-12 * trace);
  CHECK(skew < 1e-10);
}

}  // namespace

TEST_CASE("largest_eigen: values and vectors of random matrices, also of low rank", "[eigen]") {
  std::mt19937 random(seed());
  for (int round = 0; round < 30; ++round) {
    const std::size_t n = 1 + random() % 60, rows = 1 + random() % 80, count = 1 + random() % n;
    INFO(fmt::format("n={} rows={} count={} seed={}", n, rows, count, seed()));
    const std::vector<double> a = random_scatter(n, rows, random);
    std::vector<double> work = a;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < i; ++j) work[i * n + j] = std::numeric_limits<double>::quiet_NaN();  // nobody looks there
    const Eigen some = largest_eigen(work.data(), n, count);
    check(a, n, some, count);
    work = a;
    const Eigen all = largest_eigen(work.data(), n, n);
    check(a, n, all, n);
    for (std::size_t i = 0; i < count; ++i) CHECK(some.values[i] == Approx(all.values[n - count + i]).margin(1e-9));
  }
}

TEST_CASE("largest_eigen: nothing but zeros, and one value only", "[eigen]") {
  std::vector<double> zeros(25);
  const Eigen none = largest_eigen(zeros.data(), 5, 3);
  check(std::vector<double>(25), 5, none, 3);
  double one = 4;
  const Eigen single = largest_eigen(&one, 1, 1);
  CHECK(single.values == std::vector<double>{4});
  CHECK(std::abs(single.vectors[0]) == 1);
  CHECK_THROWS_AS(largest_eigen(&one, 1, 2), smtrain::Error);
  std::vector<double> broken(9, std::numeric_limits<double>::quiet_NaN());
  CHECK_THROWS_AS(largest_eigen(broken.data(), 3, 1), smtrain::Error);
}

TEST_CASE("largest_eigen: the same bytes whatever OpenMP is set to", "[eigen]") {
  std::mt19937 random(seed());
  INFO("seed=" << seed());
  const std::size_t n = 150;
  const std::vector<double> a = random_scatter(n, 200, random);
  const int before = omp_get_max_threads();
  std::vector<Eigen> found;
  for (const int threads : {1, 2, 3}) {
    omp_set_num_threads(threads);
    std::vector<double> work = a;
    found.push_back(largest_eigen(work.data(), n, 20));
    CHECK(omp_get_max_threads() == threads);
  }
  omp_set_num_threads(before);
  for (const Eigen& e : found) {
    CHECK(e.values == found[0].values);
    CHECK(e.vectors == found[0].vectors);
  }
}
