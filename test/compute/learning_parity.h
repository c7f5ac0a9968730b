// What every Backend must do of the operations for models of weights: each against a plain double-precision form.
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>

#include "compute/parity.h"

namespace smtrain::compute::test {

inline double gap(double got, double expected) { return std::abs(got - expected) / (1 + std::abs(expected)); }

inline Mat row_matrix(Backend& backend, const std::vector<float>& x, std::size_t rows, std::size_t cols) {
  const Mat m = backend.allocate(rows, cols, DType::f32);
  backend.write(backend.main_queue(), m, x.data());
  return m;
}

inline std::vector<float> normal_numbers(std::mt19937& random, std::size_t count, double scale = 1) {
  std::normal_distribution<double> draw(0, scale);
  std::vector<float> x(count);
  for (float& v : x) v = static_cast<float>(draw(random));
  return x;
}

// ---- standardize -------------------------------------------------------------------------------------------------------

inline void check_standardize(Backend& backend, std::mt19937& random, std::size_t n, std::size_t d, bool shifts, bool scales) {
  INFO("n=" << n << " d=" << d << " shift=" << shifts << " scale=" << scales << " seed=" << seed());
  const Matrix x(backend, random, n, d, d + random() % 3);
  const std::vector<float> shift = normal_numbers(random, d), scale = normal_numbers(random, d);
  const Mat y = backend.allocate(n, d, DType::f32), y64 = backend.allocate(n, d, DType::f64);
  const std::vector<double> shift64(shift.begin(), shift.end()), scale64(scale.begin(), scale.end());
  const auto in_f64 = [&](const std::vector<double>& v) {
    const Mat m = backend.allocate(1, d, DType::f64);
    backend.write(backend.main_queue(), m, v.data());
    return m;
  };
  Queue& queue = backend.main_queue();
  backend.standardize(queue, x.mat, shifts ? row_matrix(backend, shift, 1, d) : Mat{}, scales ? row_matrix(backend, scale, 1, d) : Mat{}, y);
  backend.standardize(queue, x.mat, shifts ? in_f64(shift64) : Mat{}, scales ? in_f64(scale64) : Mat{}, y64);
  const auto got = values<float>(backend, y);
  const auto got64 = values<double>(backend, y64);
  double worst = 0, worst64 = 0;
  for (std::size_t i = 0; i < n * d; ++i) {
    const std::size_t j = i % d;
    const double expected = (static_cast<double>(x.row(i / d)[j]) - (shifts ? shift64[j] : 0)) * (scales ? scale64[j] : 1);
    worst = std::max(worst, gap(static_cast<double>(got[i]), expected));
    worst64 = std::max(worst64, gap(got64[i], expected));
  }
  CHECK(worst < 1e-6);
  CHECK(worst64 < 1e-14);
}

// ---- sparse products ---------------------------------------------------------------------------------------------------

struct SparseSample {
  SparseSample(std::mt19937& random, std::size_t n, std::size_t d, double density, std::size_t row_numbers = 64) : rows(n), cols(d) {
    std::uniform_real_distribution<double> uniform;
    const std::size_t most = std::min(d, row_numbers);
    const std::vector<float> numbers = normal_numbers(random, 1 + n * most);
    indptr.push_back(random() % 5);
    for (std::size_t i = 0; i < n; ++i) {
      std::vector<std::uint32_t> row;
      for (std::size_t k = 0; k < most; ++k) {
        if (uniform(random) < density) row.push_back(static_cast<std::uint32_t>(random() % d));
      }
      std::sort(row.begin(), row.end());
      row.erase(std::unique(row.begin(), row.end()), row.end());
      for (const std::uint32_t j : row) {
        indices.push_back(j);
        values.push_back(numbers[values.size() % numbers.size()]);
      }
      indptr.push_back(indptr.front() + indices.size());
    }
    indices.reserve(indices.size() + 1);
    values.reserve(values.size() + 1);
  }
  CsrView view() const { return {indptr.data(), indices.data(), values.data(), rows, cols}; }
  std::size_t rows, cols;
  std::vector<std::uint64_t> indptr;
  std::vector<std::uint32_t> indices;
  std::vector<float> values;
};

inline void check_sparse_products(Backend& backend, std::mt19937& random, std::size_t n, std::size_t d, std::size_t p, double density,
                                  bool scales) {
  INFO("n=" << n << " d=" << d << " p=" << p << " density=" << density << " scale=" << scales << " seed=" << seed());
  Queue& queue = backend.main_queue();
  const SparseSample x(random, n, d, density);
  const std::vector<float> w = normal_numbers(random, d * p), r = normal_numbers(random, n * p), scale = normal_numbers(random, d);
  auto rows = backend.make_sparse_rows();
  backend.load(queue, *rows, x.view(), scales ? row_matrix(backend, scale, 1, d) : Mat{}, nullptr);
  const Mat z = backend.allocate(n, p, DType::f32), g = backend.allocate(d, p, DType::f32);
  backend.zero(queue, g);
  auto touched = backend.make_row_set(d);
  backend.multiply(queue, *rows, row_matrix(backend, w, d, p), z);
  const Mat r_mat = row_matrix(backend, r, n, p);
  backend.multiply_transposed(queue, *rows, r_mat, g, *touched);
  backend.multiply_transposed(queue, *rows, r_mat, g, *touched);  // adds to what is there

  std::vector<double> z_expected(n * p), g_expected(d * p);
  std::vector<std::uint32_t> occurring;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::uint64_t k = x.indptr[i] - x.indptr[0]; k < x.indptr[i + 1] - x.indptr[0]; ++k) {
      const std::size_t j = x.indices[k];
      occurring.push_back(static_cast<std::uint32_t>(j));
      const double v = static_cast<double>(scales ? x.values[k] * scale[j] : x.values[k]);
      for (std::size_t c = 0; c < p; ++c) {
        z_expected[i * p + c] += v * static_cast<double>(w[j * p + c]);
        g_expected[j * p + c] += 2 * v * static_cast<double>(r[i * p + c]);
      }
    }
  }
  std::sort(occurring.begin(), occurring.end());
  occurring.erase(std::unique(occurring.begin(), occurring.end()), occurring.end());
  const auto got_z = values<float>(backend, z), got_g = values<float>(backend, g);
  double worst = 0;
  for (std::size_t i = 0; i < n * p; ++i) worst = std::max(worst, gap(static_cast<double>(got_z[i]), z_expected[i]));
  for (std::size_t i = 0; i < d * p; ++i) worst = std::max(worst, gap(static_cast<double>(got_g[i]), g_expected[i]));
  CHECK(worst < 2e-5);

  Backend::PickedRows picked = backend.pick(queue, *touched, g);
  CHECK((picked.ids == occurring));
  bool same = picked.values.size() == picked.ids.size() * p;
  for (std::size_t i = 0; same && i < picked.values.size(); ++i) same = picked.values[i] == got_g[picked.ids[i / p] * p + i % p];
  CHECK(same);
  if (occurring.size() == d) return;
  // One more row joins, and the numbers are those that were put.
  std::uint32_t other = 0;
  while (other < occurring.size() && occurring[other] == other) ++other;
  picked.ids.insert(picked.ids.begin() + other, other);
  picked.values.assign(picked.ids.size() * p, 0.5f);
  backend.put(queue, picked, *touched, g);
  const Backend::PickedRows again = backend.pick(queue, *touched, g);
  CHECK((again.ids == picked.ids));
  CHECK((again.values == picked.values));
}

// ---- losses ------------------------------------------------------------------------------------------------------------

struct PlainCost {
  double loss, slope;
};

inline PlainCost plain_cost(const LossRule& rule, double f, double y, double p) {
  const double e = f - y, sign = e > 0 ? 1 : e < 0 ? -1 : 0, eps = rule.epsilon;
  switch (rule.loss) {
    case Loss::squared: return {e * e, 2 * e};
    case Loss::absolute: return {std::abs(e), sign};
    case Loss::quantile: return {e > 0 ? (1 - rule.quantile) * e : -rule.quantile * e, e > 0 ? 1 - rule.quantile : e < 0 ? -rule.quantile : 0};
    case Loss::huber:
      if (std::abs(e) < rule.delta) return {e * e / 2, e};
      return {rule.delta * std::abs(e) - rule.delta * rule.delta / 2, rule.delta * sign};
    case Loss::eps_squared: return {std::max(0.0, e * e - eps * eps), e * e > eps * eps ? 2 * e : 0};
    case Loss::eps_absolute: return {std::max(0.0, std::abs(e) - eps), std::abs(e) > eps ? sign : 0};
    case Loss::logistic: {
      const double s = 1 / (1 + std::exp(-f));
      const double soft = std::max(f, 0.0) + std::log1p(std::exp(-std::abs(f)));
      return {p * y * (soft - f) + (1 - y) * soft, p * y * (s - 1) + (1 - y) * s};
    }
    case Loss::hinge: {
      const double a = (rule.margin + 1) / 2 - f, b = f + (rule.margin - 1) / 2;
      return {p * y * std::max(0.0, a) + (1 - y) * std::max(0.0, b), (b > 0 ? 1 - y : 0) - (a > 0 ? p * y : 0)};
    }
    case Loss::softmax: break;
  }
  return {0, 0};
}

struct LossSample {
  std::vector<float> z, bias, labels, weights, positive;
};

struct LossSums {
  std::vector<double> slopes, bias, loss;
};

inline LossSums plain_losses(const LossRule& rule, const LossSample& s, std::size_t n, std::size_t models) {
  const std::size_t width = rule.classes * models;
  LossSums sums{std::vector<double>(n * width), std::vector<double>(width), std::vector<double>(models)};
  for (std::size_t i = 0; i < n; ++i) {
    const double w = s.weights.empty() ? 1 : static_cast<double>(s.weights[i]), y = static_cast<double>(s.labels[i]);
    for (std::size_t m = 0; m < models; ++m) {
      const auto score = [&](std::size_t c) { return static_cast<double>(s.z[i * width + c * models + m]) + static_cast<double>(s.bias[c * models + m]); };
      double all = 0;
      for (std::size_t c = 0; c < rule.classes; ++c) all += std::exp(score(c));
      for (std::size_t c = 0; c < rule.classes; ++c) {
        PlainCost cost{};
        if (rule.loss == Loss::softmax) {
          const bool own = c == static_cast<std::size_t>(s.labels[i]);
          cost = {own ? std::log(all) - score(c) : 0, std::exp(score(c)) / all - (own ? 1 : 0)};
        } else {
          cost = plain_cost(rule, score(c), y, s.positive.empty() ? 1 : static_cast<double>(s.positive[m]));
        }
        sums.slopes[i * width + c * models + m] = w * cost.slope;
        sums.bias[c * models + m] += w * cost.slope;
        sums.loss[m] += w * cost.loss;
      }
    }
  }
  return sums;
}

inline void check_derive_loss(Backend& backend, std::mt19937& random, const LossRule& rule, std::size_t n, std::size_t models, bool weighted,
                              bool positive) {
  INFO("loss=" << static_cast<int>(rule.loss) << " n=" << n << " models=" << models << " classes=" << rule.classes << " weights=" << weighted
               << " positive=" << positive << " seed=" << seed());
  Queue& queue = backend.main_queue();
  const std::size_t width = rule.classes * models;
  LossSample s{normal_numbers(random, n * width, 3), normal_numbers(random, width), normal_numbers(random, n, 3), {}, {}};
  const bool classifies = rule.loss == Loss::logistic || rule.loss == Loss::hinge || rule.loss == Loss::softmax;
  for (float& y : s.labels) y = classifies ? static_cast<float>(random() % std::max<std::size_t>(rule.classes, 2)) : y;
  for (std::size_t i = 0; weighted && i < n; ++i) s.weights.push_back(static_cast<float>(random() % 4));
  for (std::size_t m = 0; positive && m < models; ++m) s.positive.push_back(1.0f + static_cast<float>(random() % 8));
  const Mat z = row_matrix(backend, s.z, n, width), bias = backend.allocate(1, width, DType::f32), loss = backend.allocate(1, models, DType::f64);
  backend.zero(queue, bias);
  backend.zero(queue, loss);
  backend.derive_loss(queue, rule, row_matrix(backend, s.labels, n, 1), weighted ? row_matrix(backend, s.weights, n, 1) : Mat{},
                      positive ? row_matrix(backend, s.positive, 1, models) : Mat{}, row_matrix(backend, s.bias, 1, width), z, bias, loss);
  const LossSums expected = plain_losses(rule, s, n, models);
  const auto slopes = values<float>(backend, z), bias_sums = values<float>(backend, bias);
  const auto losses = values<double>(backend, loss);
  double worst = 0, worst_sum = 0;
  for (std::size_t i = 0; i < slopes.size(); ++i) worst = std::max(worst, gap(static_cast<double>(slopes[i]), expected.slopes[i]));
  for (std::size_t j = 0; j < width; ++j) worst_sum = std::max(worst_sum, gap(static_cast<double>(bias_sums[j]), expected.bias[j]));
  for (std::size_t m = 0; m < models; ++m) worst_sum = std::max(worst_sum, gap(losses[m], expected.loss[m]));
  CHECK(worst < 2e-6);
  CHECK(worst_sum < 1e-4);
}

// ---- steps -------------------------------------------------------------------------------------------------------------

struct StepSample {
  std::size_t d, p;
  bool own_columns;  ///< rate, decay and l1 of each column, or of all
  std::vector<float> columns, t, m, v, g;
};

inline void plain_step(const StepRule& rule, StepSample& s, std::size_t row) {
  using Kind = StepRule::Kind;
  const std::size_t width = s.own_columns ? s.p : 1;
  const double n = static_cast<double>(rule.step);
  for (std::size_t j = 0; j < s.p; ++j) {
    const std::size_t i = row * s.p + j, c = s.own_columns ? j : 0;
    const double rate = static_cast<double>(s.columns[c]), decay = static_cast<double>(s.columns[width + c]), l1 = static_cast<double>(s.columns[2 * width + c]);
    double t = static_cast<double>(s.t[i]), m = static_cast<double>(s.m[i]), v = static_cast<double>(s.v[i]);
    double g = rule.rescale * static_cast<double>(s.g[i]) + decay * t;
    if (rule.clip > 0) g = std::clamp(g, -rule.clip, rule.clip);
    if (rule.kind == Kind::sgd) {
      m = rule.beta_1 * m + g;
      t -= rate * m;
    } else if (rule.kind == Kind::adam) {
      m = rule.beta_1 * m + (1 - rule.beta_1) * g;
      v = rule.beta_2 * v + (1 - rule.beta_2) * g * g;
      t -= rate * std::sqrt(1 - std::pow(rule.beta_2, n)) / (1 - std::pow(rule.beta_1, n)) * m / (std::sqrt(v) + rule.epsilon);
    } else {
      v = rule.kind == Kind::adagrad ? v + g * g : rule.beta_2 * v + (1 - rule.beta_2) * g * g;
      t -= rate * g / (std::sqrt(v) + rule.epsilon);
    }
    t = (t > 0 ? 1 : -1) * std::max(0.0, std::abs(t) - rate * l1);
    s.t[i] = static_cast<float>(t);
    s.m[i] = static_cast<float>(m);
    s.v[i] = static_cast<float>(v);
    s.g[i] = 0;
  }
}

/// Three steps with new gradients; where `some`, only of the rows that a product has touched.
// Matrices (d, p) of zeros in one table, one beside the other.
inline std::vector<Mat> side_by_side(Backend& backend, std::size_t count, std::size_t d, std::size_t p) {
  const Mat table = backend.allocate(d, count * p, DType::f32);
  backend.zero(backend.main_queue(), table);
  std::vector<Mat> all(count, table);
  for (std::size_t i = 0; i < count; ++i) {
    all[i].offset = i * p;
    all[i].cols = p;
  }
  return all;
}

inline void check_step(Backend& backend, std::mt19937& random, StepRule rule, std::size_t d, std::size_t p, bool own_columns, bool some) {
  INFO("kind=" << static_cast<int>(rule.kind) << " d=" << d << " p=" << p << " own_columns=" << own_columns << " some=" << some
               << " clip=" << rule.clip << " seed=" << seed());
  Queue& queue = backend.main_queue();
  const std::size_t width = own_columns ? p : 1;
  StepSample s{d, p, own_columns, std::vector<float>(3 * width), normal_numbers(random, d * p), std::vector<float>(d * p), std::vector<float>(d * p),
               std::vector<float>(d * p)};
  for (std::size_t c = 0; c < width; ++c) {
    s.columns[c] = 0.01f * static_cast<float>(1 + random() % 9);
    s.columns[width + c] = 0.1f * static_cast<float>(random() % 3);
    s.columns[2 * width + c] = 0.2f * static_cast<float>(random() % 3);
  }
  const bool first = rule.kind == StepRule::Kind::sgd || rule.kind == StepRule::Kind::adam, second = rule.kind != StepRule::Kind::sgd;
  const Mat columns = row_matrix(backend, s.columns, 3, width);
  std::vector<Mat> all;  // of some rows: as a model of sparse ones lays them out
  if (some) all = side_by_side(backend, 5, d, p);
  while (all.size() < 5) all.push_back(side_by_side(backend, 1, d, p).front());
  const Mat t = all[0], g = all[1], trail = all[2], m = first ? all[3] : Mat{}, v = second ? all[4] : Mat{};
  backend.write(queue, t, s.t.data());
  std::vector<double> sums(d * p);
  auto set = backend.make_row_set(d);
  for (int round = 0; round < 3; ++round, ++rule.step) {
    rule.trail_weight = round;
    std::vector<std::uint32_t> ids(d);
    std::iota(ids.begin(), ids.end(), 0u);
    if (some) ids.erase(std::remove_if(ids.begin(), ids.end(), [&](std::uint32_t) { return random() % 3 == 0; }), ids.end());
    Backend::PickedRows rows{ids, normal_numbers(random, ids.size() * p)};
    backend.put(queue, rows, *set, g);
    for (std::size_t i = 0; i < ids.size(); ++i) std::copy_n(rows.values.data() + i * p, p, s.g.data() + ids[i] * p);
    backend.step(queue, rule, columns, g, t, m, v, some ? set.get() : nullptr, trail);
    if (some) CHECK(backend.pick(queue, *set, g).ids.empty());
    if (!some) set = backend.make_row_set(d);
    for (const std::uint32_t row : ids) plain_step(rule, s, row);
    for (std::size_t i = 0; i < d * p; ++i) sums[i] += static_cast<double>(s.t[i]);
  }
  const auto got = values<float>(backend, t), left = values<float>(backend, g);
  double worst = 0;
  for (std::size_t i = 0; i < d * p; ++i) worst = std::max(worst, gap(static_cast<double>(got[i]), static_cast<double>(s.t[i])));
  CHECK(worst < 1e-4);
  const auto trailed = values<float>(backend, trail);
  for (std::size_t i = 0; i < d * p; ++i) worst = std::max(worst, gap(static_cast<double>(got[i]) - static_cast<double>(trailed[i]) / 3, sums[i] / 3));
  CHECK(worst < 1e-4);
  CHECK(std::all_of(left.begin(), left.end(), [](float x) { return x == 0; }));
}

// ---- all ---------------------------------------------------------------------------------------------------------------

inline void check_learning(Backend& backend) {
  std::mt19937 random(seed());
  for (const auto& [n, d] : {std::pair<std::size_t, std::size_t>{1, 1}, {3, 17}, {700, 90}}) {
    for (int k = 0; k < 4; ++k) check_standardize(backend, random, n, d, k % 2 == 1, k > 1);
  }
  check_sparse_products(backend, random, 1, 1, 1, 1, false);
  check_sparse_products(backend, random, 5, 3, 2, 0, false);
  check_sparse_products(backend, random, 300, 40, 1, 0.5, true);
  check_sparse_products(backend, random, 900, 5000, 33, 0.6, true);
  check_sparse_products(backend, random, 2000, 1u << 20, 1, 0.6, false);
  check_sparse_products(backend, random, 1 + random() % 200, 1 + random() % 3000, 1 + random() % 50, 0.3, random() % 2 == 0);
  for (int loss = 0; loss <= static_cast<int>(Loss::softmax); ++loss) {
    LossRule rule{static_cast<Loss>(loss), 0.9, 1.3, 0.7, 0.8, 1};
    const bool softmax = rule.loss == Loss::softmax, binary = rule.loss == Loss::logistic || rule.loss == Loss::hinge;
    for (const std::size_t models : {1, 3, 32}) {
      if (softmax) rule.classes = 2 + random() % 12;
      check_derive_loss(backend, random, rule, 1 + random() % 900, models, random() % 2 == 0, binary && random() % 2 == 0);
    }
  }
  check_derive_loss(backend, random, {Loss::softmax, 0, 0, 0, 0, 75}, 1 + random() % 300, 2, true, false);
  for (int kind = 0; kind <= static_cast<int>(StepRule::Kind::adagrad); ++kind) {
    const StepRule rule{static_cast<StepRule::Kind>(kind), 0.9, 0.99, 1e-3, 0.5, kind == 1 ? 0.4 : 0, 1};
    for (const std::size_t p : {1, 5, 64}) {
      check_step(backend, random, rule, 1 + random() % 1200, p, random() % 2 == 0, false);
      check_step(backend, random, rule, 1 + random() % 1200, p, random() % 2 == 0, true);
    }
  }
}

}  // namespace smtrain::compute::test
