// The filter of a search: short rows whose products tell which rows cannot be among the nearest, so that the others alone are
// looked at in full. What it says errs on the side of looking.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "compute/backend.h"

namespace smtrain::compute {

/// Of a row x, moved by the centre c and scaled to v = s (x - c), the filter keeps the coordinates p = v B in an orthonormal basis B of
/// few directions, those in which the rows vary most, and the length r of the rest (Cauchy-Schwarz):
///   |v - w|^2 >= |p_v - p_w|^2 + (r_v - r_w)^2 = |v|^2 + |w|^2 - 2 (p_v . p_w + r_v r_w),   v . w <= p_v . p_w + r_v r_w.
/// Where few directions do not hold most of the variation, or rows are short, B is the identity and there is no rest. All of it is
/// float32; a margin covers every rounding, so that the bounds hold.
class SearchFilter {
 public:
  /// For rows (n, d). c is zero where products are compared: moving would change them.
  SearchFilter(Backend& backend, const Mat& rows, Closeness closeness, int threads);

  std::size_t width() const { return directions_ + (reduces() ? 1 : 0) + (closeness_ == Closeness::product ? 1 : 0); }

  /// What searching takes of some rows: their short forms (n, width), and their |v|^2 in float64.
  struct Short {
    Mat rows;
    std::vector<double> squares;
  };
  /// `queries`: of queries, else of the rows that are searched. x (n, d).
  Short shorten(const Mat& x, bool queries) const;

  /// What is added to the product of a row with a query's short form to make its score.
  float bias(double square) const;
  /// Whatever is at least as near to the query as `key` has a score not below this. key: the squared distance, or minus the product.
  float threshold(double query_square, double key) const;

 private:
  bool reduces() const { return !basis_.empty(); }
  void measure(const Mat& rows);
  void choose_basis(const Mat& rows);
  void centre_rows(const Mat& x, std::size_t first, const Mat& v) const;

  Backend& backend_;
  const Closeness closeness_;
  const int threads_;
  const std::size_t d_;
  std::vector<float> centre_;
  double scale_ = 1, slack_ = 0;
  Mat basis_;  // (d, directions), or empty
  std::size_t directions_ = 0;
};

}  // namespace smtrain::compute
