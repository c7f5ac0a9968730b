#include <catch2/catch.hpp>
#include <cmath>

#include "base/error.h"
#include "compute/reference.h"

using namespace smtrain::compute;
using namespace smtrain::compute::test;
using smtrain::KernelLevel;

namespace {

// `panels`: what every backend has that says nothing of its own.
std::vector<double> gram(Backend& backend, const std::vector<double>& y, std::size_t rows, std::size_t cols, bool panels = false) {
  const Mat g = backend.allocate(cols, cols, DType::f64);
  backend.zero(backend.main_queue(), g);
  const Mat m = matrix(backend, y, rows, cols, DType::f64);
  const std::size_t half = rows / 2;
  for (const Mat& part : {m.row_range(0, half), m.row_range(half, rows - half)}) {
    panels ? backend.Backend::add_gram(backend.main_queue(), part, g) : backend.add_gram(backend.main_queue(), part, g);
  }
  std::vector<double> all = values<double>(backend, g);
  for (std::size_t i = 0; i < cols; ++i) std::fill_n(all.begin() + static_cast<std::ptrdiff_t>(i * cols), i, 0.0);
  return all;
}

}  // namespace

TEST_CASE("add_gram: the upper triangle against plain sums", "[gram]") {
  std::mt19937 random(seed());
  for (const KernelLevel level : levels()) {
    CpuBackend backend(2, level);
    for (int round = 0; round < 12; ++round) {
      const std::size_t rows = 1 + random() % (round < 8 ? 300 : 1200), cols = 1 + random() % (round < 8 ? 40 : 620);
      INFO(fmt::format("{} rows={} cols={} seed={}", name_of(level), rows, cols, seed()));
      const std::vector<float> x = random_rows(random, rows, cols);
      const std::vector<double> y(x.begin(), x.end());
      const std::vector<double> own = gram(backend, y, rows, cols), panels = gram(backend, y, rows, cols, true);
      double worst = 0;
      for (int sample = 0; sample < 500; ++sample) {
        std::size_t i = random() % cols, j = random() % cols;
        if (i > j) std::swap(i, j);
        double sum = 0;
        for (std::size_t r = 0; r < rows; ++r) sum += y[r * cols + i] * y[r * cols + j];
        worst = std::max({worst, std::abs(own[i * cols + j] - sum), std::abs(panels[i * cols + j] - sum)});
      }
      CHECK(worst < 1e-12 * static_cast<double>(rows + 10));
    }
  }
}

TEST_CASE("add_gram: all columns but some of a wider matrix", "[gram]") {
  std::mt19937 random(seed());
  INFO("seed=" << seed());
  const std::size_t rows = 70, wide = 60, first = 5, cols = 51;
  const std::vector<float> x = random_rows(random, rows, wide);
  const std::vector<double> y(x.begin(), x.end());
  for (const KernelLevel level : levels()) {
    CpuBackend backend(1, level);
    Mat part = matrix(backend, y, rows, wide, DType::f64);
    part.offset += first;
    part.cols = cols;
    Mat all = backend.allocate(wide, wide, DType::f64);
    std::fill_n(all.at<double>(), wide * wide, 0.25);
    Mat g = all;
    g.offset += wide + 1;
    g.rows = g.cols = cols;
    backend.add_gram(backend.main_queue(), part, g);
    for (std::size_t i = 0; i < wide; ++i) {
      for (std::size_t j = i; j < wide; ++j) {
        double sum = 0.25;
        if (i >= 1 && j >= 1 && i <= cols && j <= cols)
          for (std::size_t r = 0; r < rows; ++r) sum += y[r * wide + first + i - 1] * y[r * wide + first + j - 1];
        const double found = all.at<double>(i)[j];
        if (std::abs(found - sum) > 1e-10) FAIL(name_of(level) << ": row " << i << ", column " << j << ": " << found << ", not " << sum);
      }
    }
  }
}

TEST_CASE("add_gram: the same bytes for any number of threads, and for all levels with fused products", "[gram]") {
  std::mt19937 random(seed());
  INFO("seed=" << seed());
  const std::vector<float> x = random_rows(random, 1100, 300);
  const std::vector<double> y(x.begin(), x.end());
  std::vector<double> fused;
  for (const KernelLevel level : levels()) {
    CpuBackend one(1, level);
    const std::vector<double> whole = gram(one, y, 1100, 300);
    for (const int threads : {2, 3, 7}) {
      CpuBackend backend(threads, level);
      CHECK(gram(backend, y, 1100, 300) == whole);
    }
    if (level == KernelLevel::baseline) continue;
    if (fused.empty()) fused = whole;
    CHECK(whole == fused);
  }
}

TEST_CASE("add_gram: refuses shapes and types that do not belong together", "[gram]") {
  CpuBackend backend(1, KernelLevel::baseline);
  const Mat y = backend.allocate(4, 3, DType::f64), g = backend.allocate(3, 2, DType::f64);
  CHECK_THROWS_AS(backend.add_gram(backend.main_queue(), y, g), smtrain::Error);
  CHECK_THROWS_AS(backend.add_gram(backend.main_queue(), backend.allocate(4, 3, DType::f32), backend.allocate(3, 3, DType::f64)), smtrain::Error);
}
