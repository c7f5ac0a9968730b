#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "formats/target_sums.h"

namespace smtrain::formats {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct Table {
  std::size_t rows = 0, cols = 0;
  std::vector<float> values, targets;
};

Table random_table(std::mt19937& random) {
  Table t;
  t.rows = random() % 200;
  t.cols = 1 + random() % 12;
  std::normal_distribution<float> normal;
  for (std::size_t i = 0; i < t.rows; ++i) {
    t.targets.push_back(random() % 20 == 0 ? kNaN : normal(random) + 50);
    for (std::size_t j = 0; j < t.cols; ++j) {
      const float related = j % 2 == 0 ? 3 * t.targets[i] + normal(random) : normal(random);
      const bool zero = random() % 3 == 0, odd = random() % 25 == 0;
      t.values.push_back(odd ? (random() % 2 ? kNaN : std::numeric_limits<float>::infinity()) : zero ? 0.0f : related == related ? related : 1.0f);
    }
  }
  return t;
}

// Two passes in long double, over the rows in which both are finite.
double plain_correlation(const Table& t, std::size_t column) {
  std::vector<long double> x, y;
  for (std::size_t i = 0; i < t.rows; ++i) {
    const float value = t.values[i * t.cols + column];
    if (!std::isfinite(value) || !std::isfinite(t.targets[i])) continue;
    x.push_back(value);
    y.push_back(t.targets[i]);
  }
  long double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) mx += x[i] / static_cast<long double>(x.size()), my += y[i] / static_cast<long double>(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) xx += (x[i] - mx) * (x[i] - mx), yy += (y[i] - my) * (y[i] - my), xy += (x[i] - mx) * (y[i] - my);
  if (x.size() < 2 || xx == 0 || yy == 0) return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>(xy / std::sqrt(xx * yy));
}

void check_all(const Table& t, const std::vector<double>& found, double margin) {
  for (std::size_t j = 0; j < t.cols; ++j) {
    CAPTURE(j);
    const double expected = plain_correlation(t, j);
    if (expected != expected) CHECK(found[j] != found[j]);
    else CHECK(found[j] == Approx(expected).margin(margin));
  }
}

TEST_CASE("target sums: correlations of dense rows, in any parts", "[formats][scan]") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 50; ++round) {
    const Table t = random_table(random);
    const std::vector<float> pivot(t.values.begin(), t.values.begin() + static_cast<std::ptrdiff_t>(t.rows > 0 ? t.cols : 0));
    const std::vector<float> pivots = pivot.empty() ? std::vector<float>(t.cols) : pivot;
    const float target_pivot = t.rows > 0 ? t.targets[0] : 0;
    TargetSums all(pivots, target_pivot);
    for (std::size_t at = 0; at < t.rows;) {
      const std::size_t rows = std::min<std::size_t>(1 + random() % 60, t.rows - at);
      TargetSums part(pivots, target_pivot);
      part.add_dense(t.values.data() + at * t.cols, t.cols, {t.targets.data() + at, rows});
      all.merge(part);
      at += rows;
    }
    check_all(t, all.correlations(), 1e-9);
  }
}

TEST_CASE("target sums: absent values of sparse rows are zeros", "[formats][scan]") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 50; ++round) {
    const Table t = random_table(random);
    SparseRows rows;
    for (std::size_t i = 0; i < t.rows; ++i) {
      for (std::size_t j = 0; j < t.cols; ++j) {
        const float value = t.values[i * t.cols + j];
        if (value == 0) continue;
        rows.indices.push_back(static_cast<std::uint32_t>(j));
        rows.values.push_back(value);
      }
      rows.indptr.push_back(rows.values.size());
    }
    TargetSums sums(std::vector<float>(t.cols), 0);
    sums.add_sparse(rows, t.targets);
    check_all(t, sums.correlations(), 1e-6);
  }
}

TEST_CASE("target sums: a constant has no correlation", "[formats][scan]") {
  const std::vector<float> values = {0.1f, 1, 0.1f, 2, 0.1f, 4}, targets = {1, 2, 3};
  TargetSums sums(std::vector<float>{0, 0}, 0);
  sums.add_dense(values.data(), 2, targets);
  CHECK(std::isnan(sums.correlations()[0]));
  CHECK(sums.correlations()[1] == Approx(0.98198).epsilon(1e-5));
}

}  // namespace
}  // namespace smtrain::formats
