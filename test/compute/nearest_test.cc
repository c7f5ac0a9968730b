#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <numeric>

#include "compute/reference.h"

using namespace smtrain::compute;
using namespace smtrain::compute::test;

namespace {

struct Shape {
  std::size_t n, d, k, ld;
};

std::ostream& operator<<(std::ostream& out, const Shape& s) {
  return out << fmt::format("n={} d={} k={} ld={} seed={}", s.n, s.d, s.k, s.ld, seed());
}

// Edges of tiles, panels, narrow blocks and chunks, then random ones.
std::vector<Shape> shapes() {
  std::vector<Shape> all{{1, 1, 1, 1},     {7, 1, 3, 4},      {9, 16, 16, 16},   {65, 17, 17, 20},    {130, 33, 48, 40},
                         {61, 32, 49, 32}, {200, 8, 64, 9},   {77, 5, 100, 5},   {129, 32, 1003, 32}, {33, 1030, 3, 1031},
                         {40, 784, 10, 784}, {35, 70, 12, 70}, {35, 70, 13, 70}, {19, 64, 1, 64},     {50, 1100, 60, 1100}};
  std::mt19937 random(seed());
  const auto upto = [&](std::size_t most) { return 1 + random() % most; };
  for (int i = 0; i < 25; ++i) {
    const std::size_t d = upto(i % 2 == 0 ? 40 : 300), k = upto(i % 3 == 0 ? 14 : 200);
    all.push_back({upto(200), d, k, d + random() % 5});
  }
  return all;
}

struct Case {
  Shape shape;
  std::vector<float> x, packed, c, weights;  // packed: x without the padding of ld
};

Case make_case(const Shape& s, bool small_integers = false) {
  std::mt19937 random(seed() + static_cast<unsigned>(s.n * 131 + s.d * 17 + s.k));
  Case made{s, random_rows(random, s.n, s.ld, small_integers), {}, random_rows(random, s.k, s.d, small_integers), {}};
  for (std::size_t i = 0; i < s.n; ++i) {
    const auto row = made.x.begin() + static_cast<std::ptrdiff_t>(i * s.ld);
    made.packed.insert(made.packed.end(), row, row + static_cast<std::ptrdiff_t>(s.d));
    for (std::size_t j = s.d; j < s.ld; ++j) made.x[i * s.ld + j] = NAN;
    made.weights.push_back(0.25f * static_cast<float>(random() % 9));
  }
  return made;
}

struct Found {
  std::vector<std::int32_t> ids;
  std::vector<float> distances;
};

Found find(Backend& backend, const float* x, std::size_t n, std::size_t ld, const Case& made) {
  Queue& queue = backend.main_queue();
  auto centers = backend.make_centers(made.shape.k, made.shape.d);
  backend.refresh(queue, *centers, matrix(backend, made.c, made.shape.k, made.shape.d));
  const Mat ids = backend.allocate(n, 1, DType::i32), distances = backend.allocate(n, 1, DType::f32);
  backend.nearest(queue, backend.stage(queue, x, n, made.shape.d, ld, nullptr), *centers, ids, distances);
  return {values<std::int32_t>(backend, ids), values<float>(backend, distances)};
}

struct Summed {
  std::vector<std::int32_t> ids;
  std::vector<double> sums, counts, loss;
  bool operator==(const Summed&) const = default;
};

Summed sum(Backend& backend, const Case& made, bool weighted, int repeats = 1) {
  Queue& queue = backend.main_queue();
  const Shape& s = made.shape;
  auto centers = backend.make_centers(s.k, s.d);
  backend.refresh(queue, *centers, matrix(backend, made.c, s.k, s.d));
  const Mat sums = zeros(backend, s.k, s.d, DType::f64), counts = zeros(backend, s.k, 1, DType::f64);
  const Mat loss = zeros(backend, 1, 1, DType::f64), ids = backend.allocate(s.n, 1, DType::i32);
  const Mat weights = weighted ? matrix(backend, made.weights, s.n, 1) : Mat{};
  for (int i = 0; i < repeats; ++i)
    backend.nearest_sum(queue, backend.stage(queue, made.x.data(), s.n, s.d, s.ld, nullptr), weights, *centers, ids, sums,
                        counts, loss);
  return {values<std::int32_t>(backend, ids), values<double>(backend, sums), values<double>(backend, counts),
          values<double>(backend, loss)};
}

void check_found(const Found& found, const Case& made) {
  const Shape& s = made.shape;
  for (std::size_t i = 0; i < s.n; ++i) {
    const float* x = made.packed.data() + i * s.d;
    REQUIRE(found.ids[i] >= 0);
    REQUIRE(static_cast<std::size_t>(found.ids[i]) < s.k);
    const std::size_t id = static_cast<std::size_t>(found.ids[i]);
    const double got = squared_distance(x, made.c.data() + id * s.d, s.d);
    const double best = squared_distance(x, made.c.data() + nearest_row(x, made.c, s.k, s.d) * s.d, s.d);
    CHECK(got <= best + 1e-5 * static_cast<double>(s.d));  // a near tie may go either way
    CHECK(found.distances[i] == Approx(got).epsilon(1e-5).margin(1e-12));
  }
}

void check_summed(const Summed& summed, const Case& made, bool weighted) {
  const Shape& s = made.shape;
  std::vector<double> sums(s.k * s.d), counts(s.k);
  double loss = 0;
  for (std::size_t i = 0; i < s.n; ++i) {
    const float* x = made.packed.data() + i * s.d;
    const std::size_t id = static_cast<std::size_t>(summed.ids[i]);
    const double w = weighted ? static_cast<double>(made.weights[i]) : 1.0;
    for (std::size_t j = 0; j < s.d; ++j) sums[id * s.d + j] += w * static_cast<double>(x[j]);
    counts[id] += w;
    loss += w * squared_distance(x, made.c.data() + id * s.d, s.d);
  }
  for (std::size_t i = 0; i < sums.size(); ++i)
    if (std::abs(summed.sums[i] - sums[i]) > 1e-10) FAIL("sum " << i << " is " << summed.sums[i] << ", not " << sums[i]);
  CHECK(summed.counts == counts);
  CHECK(summed.loss[0] == Approx(loss).epsilon(1e-5).margin(1e-12));
}

}  // namespace

TEST_CASE("nearest finds the centre that double precision finds, at every kernel level", "[compute][nearest]") {
  for (const auto level : levels()) {
    CpuBackend backend(2, level);
    for (const Shape& shape : shapes()) {
      INFO(backend.device().kernels << " " << shape);
      const Case made = make_case(shape);
      check_found(find(backend, made.x.data(), shape.n, shape.ld, made), made);
    }
  }
}

TEST_CASE("nearest gives exact ties to the lowest index", "[compute][nearest]") {
  for (const auto level : levels()) {
    CpuBackend backend(1, level);
    // Small whole numbers make every score exact, and few dimensions make ties common.
    for (const Shape& shape : {Shape{200, 2, 100, 2}, Shape{64, 1, 1000, 1}, Shape{100, 3, 20, 3}, Shape{100, 64, 12, 64}}) {
      INFO(backend.device().kernels << " " << shape);
      Case made = make_case(shape, true);
      if (shape.d > 3)  // every centre twice
        std::copy_n(made.c.begin(), shape.k / 2 * shape.d, made.c.begin() + static_cast<std::ptrdiff_t>(shape.k / 2 * shape.d));
      const Found found = find(backend, made.x.data(), shape.n, shape.ld, made);
      for (std::size_t i = 0; i < shape.n; ++i)
        CHECK(static_cast<std::size_t>(found.ids[i]) ==
              nearest_row(made.packed.data() + i * shape.d, made.c, shape.k, shape.d));
    }
  }
}

TEST_CASE("a row's id and distance bits depend neither on its neighbours nor on its place", "[compute][nearest]") {
  for (const auto level : levels()) {
    CpuBackend backend(2, level);
    for (const Shape& shape : shapes()) {
      INFO(backend.device().kernels << " " << shape);
      const Case made = make_case(shape);
      const Found all = find(backend, made.x.data(), shape.n, shape.ld, made);
      std::mt19937 random(seed());
      for (int i = 0; i < 6; ++i) {
        const std::size_t first = random() % shape.n, count = 1 + random() % (shape.n - first);
        const Found part = find(backend, made.x.data() + first * shape.ld, count, shape.ld, made);
        CHECK(std::equal(part.ids.begin(), part.ids.end(), all.ids.begin() + static_cast<std::ptrdiff_t>(first)));
        CHECK(std::memcmp(part.distances.data(), all.distances.data() + first, count * sizeof(float)) == 0);
      }
      std::vector<float> reversed;
      for (std::size_t i = shape.n; i-- > 0;)
        reversed.insert(reversed.end(), made.packed.data() + i * shape.d, made.packed.data() + (i + 1) * shape.d);
      Found back = find(backend, reversed.data(), shape.n, shape.d, made);
      std::reverse(back.ids.begin(), back.ids.end());
      std::reverse(back.distances.begin(), back.distances.end());
      CHECK(back.ids == all.ids);
      CHECK(std::memcmp(back.distances.data(), all.distances.data(), shape.n * sizeof(float)) == 0);
    }
  }
}

TEST_CASE("distances are free of cancellation far from the origin", "[compute][nearest]") {
  for (const auto level : levels()) {
    CpuBackend backend(1, level);
    for (const std::size_t d : {3, 100}) {
      Case made{{1, d, 1, d}, std::vector<float>(d, 10000.5f), std::vector<float>(d, 10000.5f), std::vector<float>(d, 10000.25f), {}};
      CHECK(find(backend, made.x.data(), 1, d, made).distances[0] == Approx(0.0625 * static_cast<double>(d)));
      CHECK(sum(backend, made, false).loss[0] == Approx(0.0625 * static_cast<double>(d)));
    }
  }
}

TEST_CASE("numbers that are not finite still give an id in range", "[compute][nearest]") {
  for (const auto level : levels()) {
    CpuBackend backend(1, level);
    for (const Shape& shape : {Shape{9, 70, 5, 70}, Shape{9, 3, 50, 3}}) {
      Case made = make_case(shape);
      for (std::size_t i = 0; i < made.x.size(); i += 2) made.x[i] = i % 4 == 0 ? NAN : INFINITY;
      for (const std::int32_t id : find(backend, made.x.data(), shape.n, shape.ld, made).ids)
        CHECK((id >= 0 && id < static_cast<std::int32_t>(shape.k)));
    }
  }
}

TEST_CASE("nearest_sum gives the sums, counts and loss of each centre's rows", "[compute][nearest_sum]") {
  for (const auto level : levels()) {
    CpuBackend backend(2, level);
    for (const Shape& shape : shapes()) {
      for (const bool weighted : {false, true}) {
        INFO(backend.device().kernels << " " << shape << " weighted=" << weighted);
        const Case made = make_case(shape);
        const Summed summed = sum(backend, made, weighted);
        CHECK(summed.ids == find(backend, made.x.data(), shape.n, shape.ld, made).ids);
        check_summed(summed, made, weighted);
      }
    }
  }
}

TEST_CASE("nearest_sum adds to what is there", "[compute][nearest_sum]") {
  CpuBackend backend(2, levels().back());
  const Case made = make_case({100, 20, 30, 20}, true);
  const Summed once = sum(backend, made, true), twice = sum(backend, made, true, 2);
  for (std::size_t i = 0; i < once.sums.size(); ++i) CHECK(twice.sums[i] == 2 * once.sums[i]);
  for (std::size_t i = 0; i < once.counts.size(); ++i) CHECK(twice.counts[i] == 2 * once.counts[i]);
  CHECK(twice.loss[0] == 2 * once.loss[0]);
}

TEST_CASE("nearest_sum gives the same bytes on any number of threads", "[compute][nearest_sum]") {
  for (const auto level : levels()) {
    for (const Shape& shape : {Shape{9000, 7, 5, 7}, Shape{5000, 32, 100, 33}, Shape{1500, 784, 10, 784}, Shape{700, 32, 1000, 32}}) {
      INFO(smtrain::name_of(level) << " " << shape);
      const Case made = make_case(shape);
      CpuBackend one(1, level);
      const Summed alone = sum(one, made, true);
      const Found found = find(one, made.x.data(), shape.n, shape.ld, made);
      for (const int threads : {2, 3, 4, 7}) {
        CpuBackend backend(threads, level);
        for (int repeat = 0; repeat < 3; ++repeat) CHECK(sum(backend, made, true) == alone);
        const Found again = find(backend, made.x.data(), shape.n, shape.ld, made);
        CHECK(again.ids == found.ids);
        CHECK(again.distances == found.distances);
      }
    }
  }
}

TEST_CASE("nearest_sum works without ids and loss, and on no rows", "[compute][nearest_sum]") {
  CpuBackend backend(2, levels().back());
  Queue& queue = backend.main_queue();
  const Case made = make_case({300, 6, 9, 6}, true);
  auto centers = backend.make_centers(9, 6);
  backend.refresh(queue, *centers, matrix(backend, made.c, 9, 6));
  const Mat sums = zeros(backend, 9, 6, DType::f64), counts = zeros(backend, 9, 1, DType::f64);
  backend.nearest_sum(queue, backend.stage(queue, nullptr, 0, 6, 6, nullptr), {}, *centers, {}, sums, counts, {});
  CHECK(values<double>(backend, counts) == std::vector<double>(9, 0.0));
  backend.nearest_sum(queue, backend.stage(queue, made.x.data(), 300, 6, 6, nullptr), {}, *centers, {}, sums, counts, {});
  const Summed whole = sum(backend, made, false);
  CHECK(values<double>(backend, sums) == whole.sums);
  CHECK(values<double>(backend, counts) == whole.counts);
}

TEST_CASE("centres keep their memory and answer for what they were last given", "[compute][nearest]") {
  for (const auto level : levels()) {
    CpuBackend backend(2, level);
    Queue& queue = backend.main_queue();
    const Case a = make_case({100, 70, 11, 70});
    auto centers = backend.make_centers(11, 70);
    const Mat ids = backend.allocate(100, 1, DType::i32), x = backend.stage(queue, a.x.data(), 100, 70, 70, nullptr);
    CHECK_THROWS_WITH(backend.nearest(queue, x, *centers, ids, {}), Catch::Contains("never refreshed"));
    backend.refresh(queue, *centers, matrix(backend, std::vector<float>(11 * 70, 100.0f), 11, 70));
    backend.refresh(queue, *centers, matrix(backend, a.c, 11, 70));
    backend.nearest(queue, x, *centers, ids, {});
    CHECK(values<std::int32_t>(backend, ids) == find(backend, a.x.data(), 100, 70, a).ids);
  }
}

TEST_CASE("min_distance lowers each distance to that of the new centre", "[compute][min_distance]") {
  for (const auto level : levels()) {
    CpuBackend backend(2, level);
    Queue& queue = backend.main_queue();
    for (const Shape& shape : shapes()) {
      INFO(backend.device().kernels << " " << shape);
      const Case made = make_case(shape);
      const Mat x = backend.stage(queue, made.x.data(), shape.n, shape.d, shape.ld, nullptr);
      const Mat c = matrix(backend, made.c, shape.k, shape.d);
      const Mat d2 = matrix(backend, std::vector<float>(shape.n, INFINITY), shape.n, 1);
      for (std::size_t i = 0; i < std::min<std::size_t>(shape.k, 3); ++i) backend.min_distance(queue, x, c.row_range(i, 1), d2);
      const std::vector<float> got = values<float>(backend, d2);
      for (std::size_t i = 0; i < shape.n; ++i) {
        const float* row = made.packed.data() + i * shape.d;
        const std::size_t id = nearest_row(row, made.c, std::min<std::size_t>(shape.k, 3), shape.d);
        CHECK(got[i] == Approx(squared_distance(row, made.c.data() + id * shape.d, shape.d)).epsilon(1e-5));
      }
    }
  }
}
