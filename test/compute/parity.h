// What every Backend must do: each operation against a plain double-precision form, over random shapes and the awkward ones.
#pragma once

#include <catch2/catch.hpp>
#include <limits>

#include "compute/reference.h"

namespace smtrain::compute::test {

/// Random rows with `ld` numbers between them; what lies beyond the columns is garbage that must neither be read nor written.
struct Matrix {
  Matrix(Backend& backend, std::mt19937& random, std::size_t row_count, std::size_t col_count, std::size_t distance, bool integers = false)
      : rows(row_count), cols(col_count), ld(distance), x(random_rows(random, rows, ld, integers)), mat(test::matrix(backend, x, rows, ld)) {
    mat.cols = cols;
  }
  const float* row(std::size_t i) const { return x.data() + i * ld; }
  std::vector<float> packed() const {
    std::vector<float> out;
    for (std::size_t i = 0; i < rows; ++i) out.insert(out.end(), row(i), row(i) + cols);
    return out;
  }

  std::size_t rows, cols, ld;
  std::vector<float> x;
  Mat mat;
};

struct NearestShape {
  std::size_t n, k, d, extra = 0;  ///< `extra` numbers between rows beyond d
  bool integers = false;           ///< whole numbers: exact arithmetic, many ties
  std::string text() const { return fmt::format("n={} k={} d={} ld={} integers={} seed={}", n, k, d, d + extra, integers, seed()); }
};

inline std::vector<NearestShape> nearest_shapes(std::mt19937& random) {
  std::vector<NearestShape> shapes{{1, 1, 1},       {1, 1, 37},        {2, 3, 1, 2},      {129, 17, 3, 1, true}, {300, 16, 8},
                                   {257, 65, 9, 0, true}, {640, 129, 2, 0, true}, {131, 300, 17, 3},  {5, 1000, 33},    {1000, 2, 300, 1},
                                   {1500, 12, 64}};
  for (int i = 0; i < 6; ++i) {
    shapes.push_back({1 + random() % 700, 1 + random() % 260, 1 + random() % 100, random() % 3, random() % 2 == 0});
  }
  return shapes;
}

/// The chosen centre must be the nearest; a nearer one may differ by rounding only, and not at all where arithmetic is exact.
inline void check_nearest_ids(const NearestShape& s, const Matrix& x, const std::vector<float>& c, const std::vector<std::int32_t>& ids) {
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < s.n; ++i) {
    const std::size_t best = nearest_row(x.row(i), c, s.k, s.d), got = static_cast<std::size_t>(ids[i]);
    REQUIRE(got < s.k);
    if (got == best) continue;
    const double least = squared_distance(x.row(i), c.data() + best * s.d, s.d);
    double norm = 1;
    for (std::size_t j = 0; j < s.d; ++j) norm += std::pow(static_cast<double>(x.row(i)[j]), 2) + std::pow(static_cast<double>(c[got * s.d + j]), 2);
    wrong += s.integers || squared_distance(x.row(i), c.data() + got * s.d, s.d) - least > 1e-5 * norm ? 1 : 0;
  }
  CHECK(wrong == 0);
}

inline void check_nearest(Backend& backend, std::mt19937& random, const NearestShape& s) {
  INFO(s.text());
  Queue& queue = backend.main_queue();
  const Matrix x(backend, random, s.n, s.d, s.d + s.extra, s.integers), c(backend, random, s.k, s.d, s.d + 1, s.integers);
  auto centers = backend.make_centers(s.k, s.d);
  backend.refresh(queue, *centers, c.mat);
  const Mat ids = backend.allocate(s.n, 1, DType::i32), distances = backend.allocate(s.n, 1, DType::f32);
  backend.nearest(queue, x.mat, *centers, ids, distances);
  const std::vector<std::int32_t> got = values<std::int32_t>(backend, ids);
  check_nearest_ids(s, x, c.packed(), got);
  const std::vector<float> squares = values<float>(backend, distances);
  double worst = 0;
  for (std::size_t i = 0; i < s.n; ++i) {
    const double expected = squared_distance(x.row(i), c.row(static_cast<std::size_t>(got[i])), s.d);
    worst = std::max(worst, std::abs(expected - static_cast<double>(squares[i])) / (expected + 1e-30));
  }
  CHECK(worst < 1e-5);
  const Mat again = backend.allocate(s.n, 1, DType::i32);
  backend.nearest(queue, x.mat, *centers, again, {});
  CHECK((values<std::int32_t>(backend, again) == got));
}

/// In two pieces, onto accumulators that hold something.
inline void check_nearest_sum(Backend& backend, std::mt19937& random, const NearestShape& s, bool weighted, bool with_ids, bool with_loss) {
  INFO(s.text() << " weighted=" << weighted << " ids=" << with_ids << " loss=" << with_loss);
  Queue& queue = backend.main_queue();
  const Matrix x(backend, random, s.n, s.d, s.d + s.extra, s.integers), c(backend, random, s.k, s.d, s.d, s.integers);
  std::vector<float> w(s.n, 1.0f);
  if (weighted) {
    for (float& v : w) v = static_cast<float>(random() % 5) / 2;
  }
  const Mat weights = matrix(backend, w, s.n, 1), ids = backend.allocate(s.n, 1, DType::i32);
  auto centers = backend.make_centers(s.k, s.d);
  backend.refresh(queue, *centers, c.mat);
  std::vector<double> sums(s.k * (s.d + 2), 0.5), counts(s.k, 0.25), loss(1, 2.0);
  Mat sums_mat = matrix(backend, sums, s.k, s.d + 2, DType::f64);
  sums_mat.cols = s.d;
  const Mat counts_mat = matrix(backend, counts, s.k, 1, DType::f64), loss_mat = matrix(backend, loss, 1, 1, DType::f64);
  const std::size_t half = s.n / 2;
  for (const auto& [first, count] : {std::pair<std::size_t, std::size_t>{0, half}, {half, s.n - half}}) {
    backend.nearest_sum(queue, x.mat.row_range(first, count), weighted ? weights.row_range(first, count) : Mat{}, *centers,
                        with_ids ? ids.row_range(first, count) : Mat{}, sums_mat, counts_mat, with_loss ? loss_mat : Mat{});
  }
  const Mat plain_ids = backend.allocate(s.n, 1, DType::i32);
  backend.nearest(queue, x.mat, *centers, plain_ids, {});
  const std::vector<std::int32_t> got = values<std::int32_t>(backend, plain_ids);
  if (with_ids) CHECK((values<std::int32_t>(backend, ids) == got));
  std::vector<double> moved(s.k, 0.0);
  for (std::size_t i = 0; i < s.n; ++i) {
    const auto j = static_cast<std::size_t>(got[i]);
    const double weight = static_cast<double>(w[i]);
    for (std::size_t l = 0; l < s.d; ++l) sums[j * (s.d + 2) + l] += weight * static_cast<double>(x.row(i)[l]);
    counts[j] += weight;
    if (with_loss) loss[0] += weight * squared_distance(x.row(i), c.row(j), s.d);
  }
  sums_mat.cols = s.d + 2;  // what lies beyond the columns is as it was
  const std::vector<double> sums_got = values<double>(backend, sums_mat);
  double worst = 0;
  for (std::size_t i = 0; i < sums.size(); ++i) worst = std::max(worst, std::abs(sums[i] - sums_got[i]));
  CHECK(worst < 1e-11 * static_cast<double>(s.n + 10));
  CHECK((values<double>(backend, counts_mat) == counts));  // halves and quarters are exact
  CHECK(values<double>(backend, loss_mat)[0] == Approx(loss[0]).epsilon(1e-6));
}

/// The rows nearest to x by float64, nearest first, ties to the lowest; and their scores.
struct TopRows {
  std::vector<std::int32_t> ids;
  std::vector<double> scores;
};

inline TopRows plain_top(const float* x, const std::vector<const float*>& rows, std::size_t d, std::size_t k, Closeness closeness) {
  std::vector<std::pair<double, std::int32_t>> all;
  for (const float* row : rows) {
    double key = 0;
    for (std::size_t j = 0; j < d; ++j) key -= static_cast<double>(x[j]) * static_cast<double>(row[j]);
    all.emplace_back(closeness == Closeness::distance ? squared_distance(x, row, d) : key, static_cast<std::int32_t>(all.size()));
  }
  std::sort(all.begin(), all.end());
  TopRows top;
  for (std::size_t i = 0; i < k; ++i) {
    top.ids.push_back(all[i].second);
    top.scores.push_back(closeness == Closeness::distance ? all[i].first : -all[i].first);
  }
  return top;
}

/// Rows that are found must be those of float64, in its order, but for rows whose float64 scores differ by its own rounding.
inline void check_top_rows(const TopRows& expected, const float* x, const std::vector<const float*>& rows, std::size_t d, Closeness closeness,
                           const std::int32_t* ids, const float* scores) {
  for (std::size_t i = 0; i < expected.ids.size(); ++i) {
    const auto nearest_float = static_cast<float>(expected.scores[i]);
    if (std::isinf(nearest_float)) CHECK(scores[i] == nearest_float);
    else CHECK(static_cast<double>(scores[i]) == Approx(expected.scores[i]).epsilon(1e-6).margin(1e-12));
    if (ids[i] == expected.ids[i]) continue;
    REQUIRE(ids[i] >= 0);
    REQUIRE(static_cast<std::size_t>(ids[i]) < rows.size());
    const TopRows own = plain_top(x, {rows[static_cast<std::size_t>(ids[i])]}, d, 1, closeness);
    CHECK(own.scores[0] == Approx(expected.scores[i]).epsilon(1e-14));
  }
}

inline void check_top_nearest(Backend& backend, std::mt19937& random, const NearestShape& s, std::size_t k, Closeness closeness,
                              float offset = 0, float factor = 1) {
  INFO(s.text() << " top=" << k << " product=" << (closeness == Closeness::product) << " offset=" << offset << " factor=" << factor);
  Queue& queue = backend.main_queue();
  Matrix x(backend, random, s.n, s.d, s.d + s.extra, s.integers), c(backend, random, s.k, s.d, s.d + 1, s.integers);
  for (Matrix* m : {&x, &c}) {
    for (float& v : m->x) v = v * factor + offset;
    m->mat = matrix(backend, m->x, m->rows, m->ld);
    m->mat.cols = m->cols;
  }
  const auto points = backend.make_points(queue, c.mat, closeness);
  Mat ids = backend.allocate(s.n, k + 1, DType::i32), scores = backend.allocate(s.n, k + 2, DType::f32);
  ids.cols = scores.cols = k;
  backend.top_nearest(queue, x.mat, *points, ids, scores);
  const std::vector<std::int32_t> got = values<std::int32_t>(backend, ids);
  const std::vector<float> got_scores = values<float>(backend, scores);
  std::vector<const float*> rows;
  for (std::size_t i = 0; i < s.k; ++i) rows.push_back(c.row(i));
  for (std::size_t i = 0; i < s.n; ++i)
    check_top_rows(plain_top(x.row(i), rows, s.d, k, closeness), x.row(i), rows, s.d, closeness, got.data() + i * k, got_scores.data() + i * k);
}

inline void check_top_nearest(Backend& backend, std::mt19937& random) {
  for (const Closeness closeness : {Closeness::distance, Closeness::product}) {
    check_top_nearest(backend, random, {1, 1, 1}, 1, closeness);
    check_top_nearest(backend, random, {3, 40, 7, 2}, 40, closeness);
    check_top_nearest(backend, random, {130, 333, 17, 1, true}, 9, closeness);
    check_top_nearest(backend, random, {2, 700, 33}, 50, closeness, 1000);
    check_top_nearest(backend, random, {5, 300, 20}, 5, closeness, 0, 1e-22f);
    check_top_nearest(backend, random, {5, 300, 20}, 5, closeness, 0, 1e19f);
    for (int i = 0; i < 3; ++i) {
      const NearestShape s{1 + random() % 150, 1 + random() % 500, 1 + random() % 120, random() % 3, random() % 2 == 0};
      check_top_nearest(backend, random, s, 1 + random() % s.k, closeness);
    }
  }
}

inline void check_min_distance(Backend& backend, std::mt19937& random, const NearestShape& s) {
  INFO(s.text());
  const Matrix x(backend, random, s.n, s.d, s.d + s.extra, s.integers), c(backend, random, 1, s.d, s.d + 2, s.integers);
  std::vector<float> d2(s.n);
  for (std::size_t i = 0; i < s.n; ++i) d2[i] = i % 3 == 0 ? std::numeric_limits<float>::infinity() : static_cast<float>(i % 7);
  const Mat mat = matrix(backend, d2, s.n, 1);
  backend.min_distance(backend.main_queue(), x.mat, c.mat, mat);
  const std::vector<float> got = values<float>(backend, mat);
  for (std::size_t i = 0; i < s.n; ++i) {
    const double expected = std::min(static_cast<double>(d2[i]), squared_distance(x.row(i), c.row(0), s.d));
    if (std::abs(expected - static_cast<double>(got[i])) > 1e-5 * expected) FAIL_CHECK("row " << i << ": " << got[i] << " for " << expected);
  }
}

inline void check_blend(Backend& backend, std::mt19937& random, std::size_t k, std::size_t d) {
  INFO("k=" << k << " d=" << d << " seed=" << seed());
  Matrix c(backend, random, k, d, d + 3);
  std::vector<double> sums(k * (d + 1)), counts(k), n(k);
  for (double& v : sums) v = static_cast<double>(random() % 1000) / 7;
  for (std::size_t j = 0; j < k; ++j) {
    counts[j] = j % 3 == 1 ? 0 : 1 + static_cast<double>(random() % 9);
    n[j] = static_cast<double>(random() % 4);
  }
  Mat sums_mat = matrix(backend, sums, k, d + 1, DType::f64);
  sums_mat.cols = d;
  const Mat n_mat = matrix(backend, n, k, 1, DType::f64);
  backend.blend_means(backend.main_queue(), sums_mat, matrix(backend, counts, k, 1, DType::f64), 0.75, c.mat, n_mat);
  c.mat.cols = c.ld;
  const std::vector<float> got = values<float>(backend, c.mat);
  for (std::size_t j = 0; j < k; ++j) {
    const double before = n[j] * 0.75, m = counts[j], p = m / (before + m);
    for (std::size_t l = 0; l < c.ld; ++l) {
      const double old = static_cast<double>(c.row(j)[l]);
      const bool stays = m == 0 || l >= d;
      const float expected = stays ? c.row(j)[l] : static_cast<float>((1 - p) * old + p * (sums[j * (d + 1) + l] / m));
      if (got[j * c.ld + l] != expected) FAIL_CHECK("centre " << j << ", " << l << ": " << got[j * c.ld + l] << " for " << expected);
    }
    n[j] = before + m;
  }
  CHECK((values<double>(backend, n_mat) == n));
}

template <class T>
void check_product(Backend& backend, std::mt19937& random, std::size_t m, std::size_t n, std::size_t k, bool ta, bool tb) {
  constexpr DType type = sizeof(T) == 8 ? DType::f64 : DType::f32;
  INFO("m=" << m << " n=" << n << " k=" << k << " ta=" << ta << " tb=" << tb << " bytes=" << sizeof(T) << " seed=" << seed());
  auto random_matrix = [&](std::size_t rows, std::size_t cols, std::size_t ld, std::vector<T>& host) {
    const std::vector<float> x = random_rows(random, rows, ld);
    host.assign(x.begin(), x.end());
    Mat mat = matrix(backend, host, rows, ld, type);
    mat.cols = cols;
    return mat;
  };
  const std::size_t lda = (ta ? m : k) + 1, ldb = (tb ? k : n) + 2, ldc = n + 3;
  std::vector<T> a, b, c;
  const Mat ma = random_matrix(ta ? k : m, ta ? m : k, lda, a), mb = random_matrix(tb ? n : k, tb ? k : n, ldb, b);
  Mat mc = random_matrix(m, n, ldc, c);
  backend.gemm(backend.main_queue(), ta, tb, 0.5, ma, mb, 2.0, mc);
  mc.cols = ldc;
  const std::vector<T> got = values<T>(backend, mc);
  double worst = 0;
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < ldc; ++j) {
      double expected = static_cast<double>(c[i * ldc + j]);
      if (j < n) {
        double sum = 0;
        for (std::size_t l = 0; l < k; ++l)
          sum += static_cast<double>(ta ? a[l * lda + i] : a[i * lda + l]) * static_cast<double>(tb ? b[j * ldb + l] : b[l * ldb + j]);
        expected = 0.5 * sum + 2.0 * expected;
      }
      worst = std::max(worst, std::abs(expected - static_cast<double>(got[i * ldc + j])));
    }
  }
  CHECK(worst < (sizeof(T) == 8 ? 1e-12 : 1e-5) * static_cast<double>(k + 10));
}

inline void check_copies(Backend& backend, std::mt19937& random) {
  INFO("seed=" << seed());
  Queue& queue = backend.main_queue();
  const std::size_t rows = 1 + random() % 50, cols = 1 + random() % 40, ld = cols + 1 + random() % 3;
  Matrix m(backend, random, rows, cols, ld);
  CHECK((values<float>(backend, m.mat) == m.packed()));
  const std::size_t first = random() % rows;
  backend.zero(queue, m.mat.row_range(first, rows - first));
  std::fill(m.x.begin() + static_cast<std::ptrdiff_t>(first * ld), m.x.end(), 0.0f);
  CHECK((values<float>(backend, m.mat) == m.packed()));
  const std::vector<float> fresh = random_rows(random, rows, cols);
  std::vector<float> leaves = fresh;
  backend.write(queue, m.mat, leaves.data());
  std::fill(leaves.begin(), leaves.end(), -1.0f);  // the host's numbers are the caller's again
  CHECK((values<float>(backend, m.mat) == fresh));
  const std::vector<std::int32_t> whole{1, -2, 3, 4, 5, 6};
  CHECK((values<std::int32_t>(backend, matrix(backend, whole, 3, 2, DType::i32)) == whole));
  const std::vector<std::uint8_t> bytes{9, 8, 7};
  CHECK((values<std::uint8_t>(backend, matrix(backend, bytes, 1, 3, DType::u8)) == bytes));
}

/// Batches that go through the device one behind the other, each matrix dropped at once, as training does.
inline void check_stream_of_batches(Backend& backend, std::mt19937& random, std::size_t batches, std::size_t n, std::size_t d) {
  INFO("seed=" << seed());
  Queue& queue = backend.main_queue();
  const std::size_t k = 20, ld = d + random() % 2;
  const Matrix c(backend, random, k, d, d, true);
  auto centers = backend.make_centers(k, d);
  backend.refresh(queue, *centers, c.mat);
  const Mat sums = zeros(backend, k, d, DType::f64), counts = zeros(backend, k, 1, DType::f64);
  std::vector<double> expected(k * d, 0.0);
  for (std::size_t b = 0; b < batches; ++b) {
    const std::size_t rows = n < 4 ? n : n - random() % 3;
    auto host = std::make_shared<std::vector<float>>(random_rows(random, rows, ld, true));
    auto w = std::make_shared<std::vector<float>>(rows, static_cast<float>(1 + b % 3));
    for (std::size_t i = 0; i < rows; ++i) {
      const float* row = host->data() + i * ld;
      const std::size_t j = nearest_row(row, c.x, k, d);
      for (std::size_t l = 0; l < d; ++l) expected[j * d + l] += static_cast<double>(row[l]) * static_cast<double>((*w)[i]);
    }
    // Owners of their own: when they are gone, the numbers may change.
    const Mat weights = backend.stage(queue, w->data(), rows, 1, 1, std::make_shared<decltype(w)>(w));
    const Mat x = backend.stage(queue, host->data(), rows, d, ld, std::make_shared<decltype(host)>(host));
    backend.nearest_sum(queue, x, weights, *centers, {}, sums, counts, {});
    if (backend.device().kind != "cpu") {  // the device has its own copy by now, or keeps the owner
      if (host.use_count() == 1) std::fill(host->begin(), host->end(), 1e9f);
      if (w.use_count() == 1) std::fill(w->begin(), w->end(), 1e9f);
    }
  }
  CHECK((values<double>(backend, sums) == expected));  // whole numbers: exact
}

inline void check_densify(Backend& backend, std::mt19937& random, std::size_t rows, std::size_t cols, double share) {
  INFO("rows=" << rows << " cols=" << cols << " seed=" << seed());
  std::vector<std::uint64_t> indptr{5};  // may start above zero
  std::vector<std::uint32_t> indices;
  std::vector<float> numbers, expected(rows * (cols + 1), 7.0f);
  std::uniform_real_distribution<double> uniform;
  for (std::size_t i = 0; i < rows; ++i) {
    std::fill_n(expected.begin() + static_cast<std::ptrdiff_t>(i * (cols + 1)), cols, 0.0f);
    for (std::size_t j = 0; j < cols && i % 4 != 3; ++j) {
      if (uniform(random) > share) continue;
      indices.push_back(static_cast<std::uint32_t>(j));
      numbers.push_back(static_cast<float>(random() % 1000));
      expected[i * (cols + 1) + j] = numbers.back();
    }
    indptr.push_back(5 + indices.size());
  }
  Mat to = matrix(backend, std::vector<float>(rows * (cols + 1), 7.0f), rows, cols + 1);
  to.cols = cols;
  const std::size_t split = rows / 3;  // a view into the middle of sparse rows
  backend.densify(backend.main_queue(), {indptr.data(), indices.data(), numbers.data(), split, cols}, to.row_range(0, split));
  const std::size_t skipped = indptr[split] - indptr[0];
  backend.densify(backend.main_queue(), {indptr.data() + split, indices.data() + skipped, numbers.data() + skipped, rows - split, cols},
                  to.row_range(split, rows - split));
  to.cols = cols + 1;
  CHECK((values<float>(backend, to) == expected));  // without spelling out a million numbers
}

/// Everything above.
inline void check_every_operation(Backend& backend) {
  std::mt19937 random(seed());
  for (int i = 0; i < 4; ++i) check_copies(backend, random);
  for (const NearestShape& s : nearest_shapes(random)) {
    check_nearest(backend, random, s);
    check_nearest_sum(backend, random, s, random() % 2 == 0, random() % 2 == 0, random() % 2 == 0);
    check_min_distance(backend, random, s);
  }
  check_top_nearest(backend, random);
  check_nearest_sum(backend, random, {700, 70, 65}, true, true, true);
  check_nearest_sum(backend, random, {700, 3, 130}, false, false, false);  // long runs of rows of one centre
  for (const auto& [k, d] : {std::pair<std::size_t, std::size_t>{1, 1}, {3, 300}, {40, 7}}) check_blend(backend, random, k, d);
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      check_product<float>(backend, random, 1 + random() % 60, 1 + random() % 60, 1 + random() % 60, ta, tb);
      check_product<double>(backend, random, 1 + random() % 60, 1 + random() % 60, 1 + random() % 60, ta, tb);
    }
  }
  check_product<float>(backend, random, 1, 1, 1, false, true);
  check_stream_of_batches(backend, random, 20, 60, 7);
  check_stream_of_batches(backend, random, 3, 1, 1);
  check_densify(backend, random, 50, 30, 0.3);
  check_densify(backend, random, 1, 1, 1.0);
}

}  // namespace smtrain::compute::test
