// Sums of columns against a target, gathered block by block and merged in block order.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "formats/table_parser.h"

namespace smtrain::formats {

/// What Pearson's correlation of each column with the target is computed from: r = S_xy / sqrt(S_xx S_yy) over the rows in which
/// both are finite. Values are summed less a pivot that is the same in all blocks, so that little is lost to a large mean.
class TargetSums {
 public:
  /// `pivot`: of each column; `target_pivot`: of the target.
  TargetSums(std::span<const float> pivot, float target_pivot);

  /// Adds targets.size() rows, `ld` apart.
  void add_dense(const float* values, std::size_t ld, std::span<const float> targets);
  /// The same of sparse rows, whose absent values are 0; the pivots must be 0.
  void add_sparse(const SparseRows& rows, std::span<const float> targets);
  /// `other` has the same pivots.
  void merge(const TargetSums& other);

  /// -1 to 1 of each column; NaN where either side is constant, or they have no two rows in common.
  std::vector<double> correlations() const;

 private:
  // Over the rows of a column that count.
  struct Sums {
    std::uint64_t n = 0;
    double x = 0, xx = 0, y = 0, yy = 0, xy = 0;
    void add(double value, double target) {
      ++n;
      x += value;
      xx += value * value;
      y += target;
      yy += target * target;
      xy += value * target;
    }
    void merge(const Sums& other);
    double correlation() const;
  };
  std::vector<float> pivot_;
  float target_pivot_;
  std::vector<Sums> sums_;
  Sums absent_;  // all rows of sparse tables, as if every column were absent: what stored values are set against
};

}  // namespace smtrain::formats
