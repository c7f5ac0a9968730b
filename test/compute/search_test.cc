#include <algorithm>
#include <catch2/catch.hpp>

#include "base/error.h"
#include "compute/parity.h"

using namespace smtrain::compute;
using namespace smtrain::compute::test;

namespace {

// Rows that vary in few directions, and a little in all: those of pictures.
std::vector<float> thin_rows(std::mt19937& random, std::size_t n, std::size_t d, std::size_t directions, const std::vector<float>& base,
                             float noise) {
  std::normal_distribution<float> normal;
  std::vector<float> x(n * d);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t l = 0; l < directions; ++l) {
      const float weight = normal(random) * 4.0f / static_cast<float>(l + 1);
      for (std::size_t j = 0; j < d; ++j) x[i * d + j] += weight * base[l * d + j];
    }
    for (std::size_t j = 0; j < d; ++j) x[i * d + j] += 3 + noise * normal(random);
  }
  return x;
}

struct Found {
  std::vector<std::int32_t> ids;
  std::vector<float> scores;
  bool operator==(const Found&) const = default;
};

Found find(Backend& backend, const Backend::Points& points, const float* x, std::size_t n, std::size_t d, std::size_t k) {
  const Mat ids = backend.allocate(n, k, DType::i32), scores = backend.allocate(n, k, DType::f32);
  backend.top_nearest(backend.main_queue(), backend.stage(backend.main_queue(), x, n, d, d, nullptr), points, ids, scores);
  return {values<std::int32_t>(backend, ids), values<float>(backend, scores)};
}

}  // namespace

TEST_CASE("top_nearest finds float64's rows where a few directions stand for many", "[compute][search]") {
  std::mt19937 random(seed());
  CAPTURE(seed());
  const std::size_t n = 4300, m = 70, d = 130, k = 7;
  const std::vector<float> base = random_rows(random, 20, d);
  for (const float noise : {0.05f, 0.5f, 3.0f}) {
    std::vector<float> x = thin_rows(random, n, d, 20, base, noise);
    const std::vector<float> q = thin_rows(random, m, d, 20, base, noise);
    std::copy_n(x.begin(), 50 * d, x.begin() + 4000 * d);  // equal rows
    std::vector<const float*> rows;
    for (std::size_t i = 0; i < n; ++i) rows.push_back(x.data() + i * d);
    for (const auto level : levels()) {
      CpuBackend backend(2, level);
      for (const Closeness closeness : {Closeness::distance, Closeness::product}) {
        INFO(backend.device().kernels << " noise=" << noise << " product=" << (closeness == Closeness::product));
        const auto points =
            backend.make_points(backend.main_queue(), backend.stage(backend.main_queue(), x.data(), n, d, d, nullptr), closeness);
        const Found found = find(backend, *points, q.data(), m, d, k);
        for (std::size_t i = 0; i < m; ++i) {
          const float* query = q.data() + i * d;
          check_top_rows(plain_top(query, rows, d, k, closeness), query, rows, d, closeness, found.ids.data() + i * k,
                         found.scores.data() + i * k);
        }
        const Found own = find(backend, *points, x.data(), 50, d, 2);
        for (std::size_t i = 0; closeness == Closeness::distance && i < 50; ++i) {
          CHECK(own.ids[2 * i] == static_cast<std::int32_t>(i));
          CHECK(own.ids[2 * i + 1] == static_cast<std::int32_t>(4000 + i));
          CHECK(own.scores[2 * i + 1] == 0);
        }
      }
    }
  }
}

TEST_CASE("a query's rows depend neither on those beside it nor on the number of threads", "[compute][search]") {
  std::mt19937 random(seed());
  CAPTURE(seed());
  const std::size_t n = 5000, m = 200, d = 100, k = 6;
  const std::vector<float> x = random_rows(random, n, d), q = random_rows(random, m, d);
  for (const auto level : levels()) {
    CpuBackend one(1, level), four(4, level);
    const auto make = [&](Backend& backend) {
      return backend.make_points(backend.main_queue(), backend.stage(backend.main_queue(), x.data(), n, d, d, nullptr),
                                 Closeness::distance);
    };
    const auto points_one = make(one), points_four = make(four);
    const Found whole = find(one, *points_one, q.data(), m, d, k);
    CHECK(find(four, *points_four, q.data(), m, d, k) == whole);
    for (const std::size_t i : {0, 1, 63, 64, 150}) {
      const Found alone = find(four, *points_four, q.data() + i * d, 1, d, k);
      CHECK(std::equal(alone.ids.begin(), alone.ids.end(), whole.ids.begin() + static_cast<std::ptrdiff_t>(i * k)));
      CHECK(std::equal(alone.scores.begin(), alone.scores.end(), whole.scores.begin() + static_cast<std::ptrdiff_t>(i * k)));
    }
  }
}

TEST_CASE("top_nearest refuses more rows than there are, other widths and points of another backend", "[compute][search]") {
  CpuBackend a(1, levels().front()), b(1, levels().back());
  Queue& queue = a.main_queue();
  const Mat rows = zeros(a, 5, 3, DType::f32), x = zeros(a, 2, 3, DType::f32);
  const auto points = a.make_points(queue, rows, Closeness::distance);
  const auto out = [&](std::size_t k) { return std::pair(a.allocate(2, k, DType::i32), a.allocate(2, k, DType::f32)); };
  const auto [ids, scores] = out(6);
  CHECK_THROWS_WITH(a.top_nearest(queue, x, *points, ids, scores), Catch::Contains("6 of 5 rows"));
  const auto [few_ids, few_scores] = out(5);
  CHECK_THROWS_WITH(a.top_nearest(queue, zeros(a, 2, 4, DType::f32), *points, few_ids, few_scores), Catch::Contains("x is f32 (2, 4)"));
  if (levels().size() > 1) CHECK_THROWS_WITH(b.top_nearest(queue, x, *points, few_ids, few_scores), Catch::Contains("another backend"));
  CHECK_THROWS_WITH(a.make_points(queue, zeros(a, 0, 3, DType::f32), Closeness::distance), Catch::Contains("0 rows"));
}

TEST_CASE("queries far beyond the rows are answered as float64 answers them", "[compute][search]") {
  std::mt19937 random(seed());
  CAPTURE(seed());
  const std::size_t n = 300, m = 4, d = 12, k = 3;
  const std::vector<float> x = random_rows(random, n, d);
  std::vector<const float*> rows;
  for (std::size_t i = 0; i < n; ++i) rows.push_back(x.data() + i * d);
  for (const float factor : {1e10f, 1e25f, 1e38f}) {
    std::vector<float> q = random_rows(random, m, d);
    for (float& v : q) v = std::clamp(v, -3.0f, 3.0f) * factor;
    for (const auto level : levels()) {
      CpuBackend backend(1, level);
      for (const Closeness closeness : {Closeness::distance, Closeness::product}) {
        INFO(backend.device().kernels << " factor=" << factor << " product=" << (closeness == Closeness::product));
        const auto points = backend.make_points(backend.main_queue(), matrix(backend, x, n, d), closeness);
        const Found found = find(backend, *points, q.data(), m, d, k);
        for (std::size_t i = 0; i < m; ++i) {
          const float* query = q.data() + i * d;
          check_top_rows(plain_top(query, rows, d, k, closeness), query, rows, d, closeness, found.ids.data() + i * k,
                         found.scores.data() + i * k);
        }
      }
    }
  }
}
