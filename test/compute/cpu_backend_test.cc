#include <catch2/catch.hpp>
#include <cstring>

#include "base/error.h"
#include "compute/reference.h"

using namespace smtrain::compute;
using namespace smtrain::compute::test;
using Catch::Contains;
using smtrain::KernelLevel;

namespace {

template <class T>
constexpr DType kType = sizeof(T) == 8 ? DType::f64 : DType::f32;

// op(m)(i, j) of a packed matrix with `cols` numbers a row.
template <class T>
double entry(const std::vector<T>& m, std::size_t cols, bool transposed, std::size_t i, std::size_t j) {
  return static_cast<double>(transposed ? m[j * cols + i] : m[i * cols + j]);
}

template <class T>
std::vector<T> random_values(std::mt19937& random, std::size_t count) {
  const std::vector<float> x = random_rows(random, count, 1);
  return std::vector<T>(x.begin(), x.end());
}

template <class T>
void check_gemm(Backend& backend, std::size_t m, std::size_t n, std::size_t k, bool ta, bool tb, std::mt19937& random) {
  INFO(fmt::format("m={} n={} k={} ta={} tb={} seed={} bytes={}", m, n, k, ta, tb, seed(), sizeof(T)));
  const auto a = random_values<T>(random, m * k), b = random_values<T>(random, k * n), c = random_values<T>(random, m * n);
  const Mat ma = matrix(backend, a, ta ? k : m, ta ? m : k, kType<T>), mb = matrix(backend, b, tb ? n : k, tb ? k : n, kType<T>);
  const Mat mc = matrix(backend, c, m, n, kType<T>);
  backend.gemm(backend.main_queue(), ta, tb, 0.5, ma, mb, 2.0, mc);
  const std::vector<T> got = values<T>(backend, mc);
  double worst = 0;
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      double sum = 0;
      for (std::size_t l = 0; l < k; ++l) sum += entry(a, ma.cols, ta, i, l) * entry(b, mb.cols, tb, l, j);
      worst = std::max(worst, std::abs(0.5 * sum + 2.0 * static_cast<double>(c[i * n + j]) - static_cast<double>(got[i * n + j])));
    }
  }
  CHECK(worst < (sizeof(T) == 8 ? 1e-12 : 1e-5) * static_cast<double>(k + 10));
}

template <class T>
std::vector<T> product(Backend& backend, const std::vector<T>& a, std::size_t m, std::size_t k, const std::vector<T>& b,
                       std::size_t n) {
  const Mat c = backend.allocate(m, n, kType<T>);
  backend.gemm(backend.main_queue(), false, false, 1, matrix(backend, a, m, k, kType<T>), matrix(backend, b, k, n, kType<T>), 0, c);
  return values<T>(backend, c);
}

template <class T>
void check_rows_alone(std::size_t m, std::size_t n, std::size_t k, std::mt19937& random) {
  const auto a = random_values<T>(random, m * k), b = random_values<T>(random, k * n);
  CpuBackend one(1, KernelLevel::baseline);
  const std::vector<T> whole = product(one, a, m, k, b, n);
  for (const int threads : {2, 3, 7}) {
    CpuBackend backend(threads, KernelLevel::baseline);
    CHECK(product(backend, a, m, k, b, n) == whole);
  }
  for (const std::size_t count : {1, 2, 7, 16, 17, 47, 100, 239, 240, 241, 450}) {
    const std::size_t first = random() % (m - count);
    INFO(fmt::format("n={} k={} rows {} + {} seed={}", n, k, first, count, seed()));
    const std::vector<T> rows(a.begin() + static_cast<std::ptrdiff_t>(first * k),
                              a.begin() + static_cast<std::ptrdiff_t>((first + count) * k));
    CHECK(std::memcmp(product(one, rows, count, k, b, n).data(), whole.data() + first * n, count * n * sizeof(T)) == 0);
  }
}

}  // namespace

TEST_CASE("gemm agrees with a triple loop for every transposition and type", "[compute][gemm]") {
  CpuBackend backend(2, KernelLevel::baseline);
  std::mt19937 random(seed());
  for (int i = 0; i < 12; ++i) {
    const std::size_t m = 1 + random() % (i == 0 ? 600 : 70), n = i % 4 == 2 ? 1 : 1 + random() % (i == 1 ? 700 : 50), k = 1 + random() % 90;
    for (const bool ta : {false, true}) {
      for (const bool tb : {false, true}) {
        check_gemm<float>(backend, m, n, k, ta, tb, random);
        check_gemm<double>(backend, m, n, k, ta, tb, random);
      }
    }
  }
}

TEST_CASE("gemm ignores what an unset result held when beta is zero", "[compute][gemm]") {
  CpuBackend backend(1, KernelLevel::baseline);
  const Mat c = matrix(backend, std::vector<float>(9, NAN), 3, 3);
  const Mat one = matrix(backend, std::vector<float>(9, 1.0f), 3, 3);
  backend.gemm(backend.main_queue(), false, false, 1, one, one, 0, c);
  CHECK(values<float>(backend, c) == std::vector<float>(9, 3.0f));
}

TEST_CASE("a row of gemm has the same bits with any neighbours and threads", "[compute][gemm]") {
  std::mt19937 random(seed());
  for (const auto& [n, k] : std::vector<std::pair<std::size_t, std::size_t>>{{1, 700}, {1, 5}, {33, 40}, {64, 1500}, {600, 300}}) {
    check_rows_alone<float>(831, n, k, random);
    check_rows_alone<double>(831, n, k, random);
  }
}

TEST_CASE("densify spells sparse rows out and leaves what lies beyond the columns alone", "[compute][densify]") {
  CpuBackend backend(2, KernelLevel::baseline);
  const std::vector<std::uint64_t> indptr{10, 12, 12, 13};
  const std::vector<std::uint32_t> indices{0, 3, 2};
  const std::vector<float> numbers{1, 2, 3};
  Mat to = matrix(backend, std::vector<float>(15, 9.0f), 3, 5);
  to.cols = 4;
  backend.densify(backend.main_queue(), {indptr.data(), indices.data(), numbers.data(), 3, 4}, to);
  to.cols = 5;
  CHECK(values<float>(backend, to) == std::vector<float>{1, 0, 0, 2, 9, 0, 0, 0, 0, 9, 0, 0, 3, 0, 9});
  to.cols = 3;
  CHECK_THROWS_WITH(backend.densify(backend.main_queue(), {indptr.data(), indices.data(), numbers.data(), 3, 3}, to),
                    Contains("row 0 has column 3 of 3"));
}

TEST_CASE("blend_means moves centres by their share and fades old weight", "[compute][blend_means]") {
  CpuBackend backend(2, KernelLevel::baseline);
  const std::vector<double> sums{6, 9, 5, 5, 0, 0}, counts{3, 1, 0}, n{1, 0, 4};
  const Mat c = matrix(backend, {1, 1, 7, 7, 8, 9}, 3, 2), seen = matrix(backend, n, 3, 1, DType::f64);
  backend.blend_means(backend.main_queue(), matrix(backend, sums, 3, 2, DType::f64), matrix(backend, counts, 3, 1, DType::f64), 0.5,
                      c, seen);
  // Centre 0: n = 0.5, p = 3 / 3.5; centre 1 had no weight and becomes the mean; centre 2 got no row and only fades.
  const std::vector<float> got = values<float>(backend, c);
  CHECK(got[0] == Approx((0.5 * 1 + 6) / 3.5));
  CHECK(got[1] == Approx((0.5 * 1 + 9) / 3.5));
  CHECK(std::vector<float>(got.begin() + 2, got.end()) == std::vector<float>{5, 5, 8, 9});
  CHECK(values<double>(backend, seen) == std::vector<double>{3.5, 1, 2});
}

TEST_CASE("write, zero and read honour the distance between rows", "[compute][backend]") {
  CpuBackend backend(1, KernelLevel::baseline);
  Queue& queue = backend.main_queue();
  Mat m = matrix(backend, std::vector<float>{1, 2, 3, 4, 5, 6}, 2, 3);
  m.cols = 2;
  backend.zero(queue, m.row_range(1, 1));
  CHECK(values<float>(backend, m) == std::vector<float>{1, 2, 0, 0});
  m.cols = 3;
  CHECK(values<float>(backend, m) == std::vector<float>{1, 2, 3, 0, 0, 6});
  CHECK_THROWS_WITH(m.row_range(1, 2), Contains("row_range"));
}

TEST_CASE("stage wraps host rows without a copy and keeps their owner", "[compute][backend]") {
  CpuBackend backend(1, KernelLevel::baseline);
  auto owner = std::make_shared<std::vector<float>>(10, 1.5f);
  const float* host = owner->data();
  const std::weak_ptr<std::vector<float>> watch = owner;
  Mat m = backend.stage(backend.main_queue(), host, 2, 4, 5, owner);
  owner.reset();
  CHECK(m.at<float>(1) == host + 5);
  CHECK_FALSE(watch.expired());
  m = {};
  CHECK(watch.expired());
}

TEST_CASE("allocations are aligned, and impossible ones name their size", "[compute][backend]") {
  CpuBackend backend(1, KernelLevel::baseline);
  CHECK(reinterpret_cast<std::uintptr_t>(backend.allocate(3, 3, DType::f64).buffer->data()) % 64 == 0);
  CHECK_THROWS_WITH(backend.allocate(std::size_t{1} << 40, std::size_t{1} << 40, DType::f32), Contains("1099511627776"));
}

TEST_CASE("wrong shapes and types are refused by name", "[compute][backend]") {
  CpuBackend backend(1, KernelLevel::baseline);
  Queue& queue = backend.main_queue();
  const Mat x = zeros(backend, 5, 4, DType::f32), ids = zeros(backend, 5, 1, DType::i32), c = zeros(backend, 3, 4, DType::f32);
  const Mat sums = zeros(backend, 3, 4, DType::f64), counts = zeros(backend, 3, 1, DType::f64);
  auto centers = backend.make_centers(3, 4);
  backend.refresh(queue, *centers, c);
  CHECK_THROWS_WITH(backend.refresh(queue, *centers, x), Contains("refresh: c is f32 (5, 4)") && Contains("expected f32 (3, 4)"));
  CHECK_THROWS_WITH(backend.nearest(queue, sums, *centers, ids, {}), Contains("nearest: x is f64"));
  CHECK_THROWS_WITH(backend.nearest(queue, x, *centers, ids.row_range(0, 4), {}), Contains("nearest: ids"));
  CHECK_THROWS_WITH(backend.nearest(queue, x, *centers, {}, {}), Contains("nearest: ids"));
  CHECK_THROWS_WITH(backend.nearest_sum(queue, x, ids, *centers, ids, sums, counts, {}), Contains("nearest_sum: weights"));
  CHECK_THROWS_WITH(backend.nearest_sum(queue, x, {}, *centers, {}, c, counts, {}), Contains("nearest_sum: sums"));
  CHECK_THROWS_WITH(backend.min_distance(queue, x, c, ids), Contains("min_distance: c"));
  CHECK_THROWS_WITH(backend.blend_means(queue, sums, counts, 1, x, counts), Contains("blend_means: sums"));
  CHECK_THROWS_WITH(backend.gemm(queue, false, false, 1, x, x, 0, c), Contains("gemm: a"));
  CHECK_THROWS_WITH(backend.make_centers(0, 4), Contains("make_centers: 0 centres"));
  Mat past = x;
  past.offset = 1;
  CHECK_THROWS_WITH(backend.nearest(queue, past, *centers, ids, {}), Contains("ends at byte 84 of a buffer of 80"));
  CpuBackend other(1, levels().back());
  if (levels().size() > 1) CHECK_THROWS_WITH(other.nearest(queue, x, *centers, ids, {}), Contains("another backend"));
}

TEST_CASE("the backend says what it is and supports", "[compute][backend]") {
  const auto backend = make_cpu_backend(3);
  CHECK(backend->device().kind == "cpu");
  CHECK(backend->device().threads == 3);
  CHECK(backend->device().kernels == smtrain::name_of(smtrain::kernel_level()));
  CHECK(backend->supports(Op::gemm, DType::f64));
  CHECK_FALSE(backend->supports(Op::nearest, DType::f64));
  CHECK_THROWS_WITH(make_cpu_backend(0), Contains("0 threads"));
}
