// What every backend refuses about the arguments of an operation, in the same words: "" or the problem, an internal error. Header
// only, since the backend of a module uses it too.
#pragma once

#include <fmt/format.h>

#include <limits>
#include <string>

#include "compute/backend.h"

namespace smtrain::compute {

/// Type, shape, and that the matrix lies within its buffer.
inline std::string mat_problem(const char* op, const char* argument, const Mat& m, std::size_t rows, std::size_t cols, DType type) {
  if (m.dtype != type || m.rows != rows || m.cols != cols || m.ld < cols)
    return fmt::format("{}: {} is {} ({}, {}) with {} numbers between rows; expected {} ({}, {})", op, argument, name_of(m.dtype), m.rows,
                       m.cols, m.ld, name_of(type), rows, cols);
  if (m.empty()) return "";
  const std::size_t end = (m.offset + (m.rows - 1) * m.ld + m.cols) * size_of(type);
  if (m.buffer == nullptr || end > m.buffer->bytes())
    return fmt::format("{}: {} ends at byte {} of a buffer of {}", op, argument, end, m.buffer == nullptr ? 0 : m.buffer->bytes());
  return "";
}

/// A column of numbers that kernels take without a stride.
inline std::string column_problem(const char* op, const char* argument, const Mat& m, std::size_t rows, DType type) {
  std::string problem = mat_problem(op, argument, m, rows, 1, type);
  if (problem.empty() && m.ld != 1 && rows > 1)
    problem = fmt::format("{}: {} has {} numbers between rows; expected 1", op, argument, m.ld);
  return problem;
}

/// A matrix of whatever shape and type.
inline std::string any_problem(const char* op, const char* argument, const Mat& m) {
  return mat_problem(op, argument, m, m.rows, m.cols, m.dtype);
}

/// The first problem of several.
template <class... Rest>
std::string first_problem(std::string problem, Rest... rest) {
  if constexpr (sizeof...(rest) == 0) {
    return problem;
  } else {
    return problem.empty() ? first_problem(std::move(rest)...) : problem;
  }
}

inline std::string gemm_problem(bool transpose_a, bool transpose_b, const Mat& a, const Mat& b, const Mat& c) {
  if (c.dtype != DType::f32 && c.dtype != DType::f64)
    return fmt::format("gemm: {} is not supported; expected f32 or f64", name_of(c.dtype));
  const std::size_t inner = transpose_a ? a.rows : a.cols;
  return first_problem(mat_problem("gemm", "c", c, c.rows, c.cols, c.dtype),
                       mat_problem("gemm", "a", a, transpose_a ? inner : c.rows, transpose_a ? c.rows : inner, c.dtype),
                       mat_problem("gemm", "b", b, transpose_b ? c.cols : inner, transpose_b ? inner : c.cols, c.dtype));
}

inline std::string add_gram_problem(const Mat& y, const Mat& g) {
  return first_problem(mat_problem("add_gram", "y", y, y.rows, y.cols, DType::f64),
                       mat_problem("add_gram", "g", g, y.cols, y.cols, DType::f64));
}

inline std::string make_centers_problem(std::size_t k, std::size_t d) {
  constexpr std::size_t most = std::numeric_limits<std::int32_t>::max();
  if (k != 0 && d != 0 && k <= most && d <= most && k <= (std::size_t{1} << 44) / d) return "";
  return fmt::format("make_centers: {} centres of {} numbers; expected at least 1 of each and at most 2^44 numbers", k, d);
}

inline std::string nearest_problem(std::size_t d, const Mat& x, const Mat& ids, const Mat& distances) {
  return first_problem(mat_problem("nearest", "x", x, x.rows, d, DType::f32),
                       column_problem("nearest", "ids", ids, x.rows, DType::i32),
                       distances.empty() ? "" : column_problem("nearest", "distances", distances, x.rows, DType::f32));
}

inline std::string make_points_problem(const Mat& rows) {
  if (rows.rows == 0 || rows.cols == 0 || rows.rows > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()) - 256)
    return fmt::format("make_points: {} rows of {} numbers; expected at least 1 of each and less than 2^31 rows", rows.rows, rows.cols);
  return mat_problem("make_points", "rows", rows, rows.rows, rows.cols, DType::f32);
}

/// Of `points` rows of d numbers.
inline std::string top_nearest_problem(std::size_t points, std::size_t d, const Mat& x, const Mat& ids, const Mat& scores) {
  const char* op = "top_nearest";
  if (ids.cols == 0 || ids.cols > points) return fmt::format("{}: {} of {} rows; expected 1 to all of them", op, ids.cols, points);
  return first_problem(mat_problem(op, "x", x, x.rows, d, DType::f32), mat_problem(op, "ids", ids, x.rows, ids.cols, DType::i32),
                       mat_problem(op, "scores", scores, x.rows, ids.cols, DType::f32));
}

inline std::string nearest_sum_problem(std::size_t k, std::size_t d, const Mat& x, const Mat& weights, const Mat& ids, const Mat& sums,
                                       const Mat& counts, const Mat& loss) {
  const char* op = "nearest_sum";
  const bool no_rows = x.rows == 0;
  return first_problem(mat_problem(op, "x", x, x.rows, d, DType::f32), mat_problem(op, "sums", sums, k, d, DType::f64),
                       column_problem(op, "counts", counts, k, DType::f64),
                       no_rows || weights.empty() ? "" : column_problem(op, "weights", weights, x.rows, DType::f32),
                       no_rows || ids.empty() ? "" : column_problem(op, "ids", ids, x.rows, DType::i32),
                       no_rows || loss.empty() ? "" : column_problem(op, "loss", loss, 1, DType::f64));
}

inline std::string min_distance_problem(const Mat& x, const Mat& c, const Mat& d2) {
  return first_problem(mat_problem("min_distance", "c", c, 1, x.cols, DType::f32),
                       mat_problem("min_distance", "x", x, x.rows, x.cols, DType::f32),
                       column_problem("min_distance", "d2", d2, x.rows, DType::f32));
}

inline std::string blend_means_problem(const Mat& sums, const Mat& counts, const Mat& c, const Mat& n) {
  return first_problem(mat_problem("blend_means", "c", c, c.rows, c.cols, DType::f32),
                       mat_problem("blend_means", "sums", sums, c.rows, c.cols, DType::f64),
                       column_problem("blend_means", "counts", counts, c.rows, DType::f64),
                       column_problem("blend_means", "n", n, c.rows, DType::f64));
}

inline std::string standardize_problem(const Mat& x, const Mat& shift, const Mat& scale, const Mat& y) {
  const char* op = "standardize";
  if (y.dtype != DType::f32 && y.dtype != DType::f64)
    return fmt::format("{}: y is {}; expected f32 or f64", op, name_of(y.dtype));
  return first_problem(mat_problem(op, "x", x, x.rows, x.cols, DType::f32), mat_problem(op, "y", y, x.rows, x.cols, y.dtype),
                       shift.empty() ? "" : mat_problem(op, "shift", shift, 1, x.cols, y.dtype),
                       scale.empty() ? "" : mat_problem(op, "scale", scale, 1, x.cols, y.dtype));
}

/// Of a product of `rows` sparse rows of `cols` numbers with b, whose other side is c.
inline std::string sparse_problem(const char* op, std::size_t rows, std::size_t cols, const Mat& tall, const Mat& wide) {
  return first_problem(mat_problem(op, "the matrix of d rows", wide, cols, wide.cols, DType::f32),
                       mat_problem(op, "the matrix of n rows", tall, rows, wide.cols, DType::f32));
}

inline std::string put_problem(const Backend::PickedRows& rows, const Mat& g) {
  if (rows.values.size() != rows.ids.size() * g.cols)
    return fmt::format("put: {} numbers for {} rows of {}", rows.values.size(), rows.ids.size(), g.cols);
  for (std::size_t i = 0; i < rows.ids.size(); ++i) {
    if (rows.ids[i] >= g.rows || (i > 0 && rows.ids[i] <= rows.ids[i - 1]))
      return fmt::format("put: row {} of {} at place {}; expected ascending rows", rows.ids[i], g.rows, i);
  }
  return "";
}

inline std::string derive_loss_problem(const LossRule& rule, const Mat& labels, const Mat& weights, const Mat& positive, const Mat& bias,
                                       const Mat& z, const Mat& bias_gradient, const Mat& loss) {
  const char* op = "derive_loss";
  const std::size_t width = rule.classes * loss.cols;
  if (rule.classes == 0 || (rule.classes > 1) != (rule.loss == Loss::softmax))
    return fmt::format("{}: {} classes; expected 1, or with softmax more", op, rule.classes);
  return first_problem(mat_problem(op, "z", z, z.rows, width, DType::f32), mat_problem(op, "bias", bias, 1, width, DType::f32),
                       mat_problem(op, "bias_gradient", bias_gradient, 1, width, DType::f32),
                       mat_problem(op, "loss", loss, 1, loss.cols, DType::f64),
                       z.rows == 0 ? "" : column_problem(op, "labels", labels, z.rows, DType::f32),
                       z.rows == 0 || weights.empty() ? "" : column_problem(op, "weights", weights, z.rows, DType::f32),
                       positive.empty() ? "" : mat_problem(op, "positive", positive, 1, loss.cols, DType::f32));
}

inline std::string step_problem(const StepRule& rule, const Mat& columns, const Mat& g, const Mat& t, const Mat& m, const Mat& v,
                                const Mat& trail) {
  const char* op = "step";
  const auto moment = [&](const char* name, const Mat& x, bool needed) {
    return !needed && x.empty() ? std::string() : mat_problem(op, name, x, t.rows, t.cols, DType::f32);
  };
  using Kind = StepRule::Kind;
  return first_problem(mat_problem(op, "t", t, t.rows, t.cols, DType::f32), mat_problem(op, "g", g, t.rows, t.cols, DType::f32),
                       mat_problem(op, "columns", columns, 3, columns.cols == 1 ? 1 : t.cols, DType::f32),
                       moment("m", m, rule.kind == Kind::sgd || rule.kind == Kind::adam), moment("v", v, rule.kind != Kind::sgd),
                       moment("trail", trail, false));
}

/// Of factor_scores, whose p is (cols, k + 1), and with a gradient g of factor_gradient.
inline std::string factor_problem(const char* op, std::size_t rows, std::size_t cols, const Mat& p, const Mat& s, const Mat& z, const Mat* g) {
  if (p.cols < 2) return fmt::format("{}: p has {} columns; expected the factors and a linear term", op, p.cols);
  return first_problem(mat_problem(op, "p", p, cols, p.cols, DType::f32), mat_problem(op, "s", s, rows, p.cols - 1, DType::f32),
                       mat_problem(op, g == nullptr ? "z" : "r", z, rows, 1, DType::f32),
                       g == nullptr ? "" : mat_problem(op, "g", *g, cols, p.cols, DType::f32));
}

}  // namespace smtrain::compute
