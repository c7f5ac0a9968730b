#include "formats/target_sums.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace smtrain::formats {

void TargetSums::Sums::merge(const Sums& other) {
  n += other.n;
  x += other.x;
  xx += other.xx;
  y += other.y;
  yy += other.yy;
  xy += other.xy;
}

double TargetSums::Sums::correlation() const {
  const double count = static_cast<double>(n);
  const double sxx = xx - x * x / count, syy = yy - y * y / count, sxy = xy - x * y / count;
  // What a constant leaves behind in double precision is noise, not variance.
  const bool varies = n > 1 && sxx > 1e-12 * xx && syy > 1e-12 * yy;
  return varies ? std::clamp(sxy / std::sqrt(sxx * syy), -1.0, 1.0) : std::numeric_limits<double>::quiet_NaN();
}

TargetSums::TargetSums(std::span<const float> pivot, float target_pivot)
    : pivot_(pivot.begin(), pivot.end()), target_pivot_(std::isfinite(target_pivot) ? target_pivot : 0), sums_(pivot.size()) {
  for (float& p : pivot_) p = std::isfinite(p) ? p : 0;
}

void TargetSums::add_dense(const float* values, std::size_t ld, std::span<const float> targets) {
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (!std::isfinite(targets[i])) continue;
    const double target = static_cast<double>(targets[i]) - static_cast<double>(target_pivot_);
    const float* const row = values + i * ld;
    for (std::size_t j = 0; j < sums_.size(); ++j) {
      if (std::isfinite(row[j])) sums_[j].add(static_cast<double>(row[j]) - static_cast<double>(pivot_[j]), target);
    }
  }
}

void TargetSums::add_sparse(const SparseRows& rows, std::span<const float> targets) {
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (!std::isfinite(targets[i])) continue;
    const double target = static_cast<double>(targets[i]);
    absent_.add(0, target);
    for (std::uint64_t k = rows.indptr[i]; k < rows.indptr[i + 1]; ++k) {
      Sums& column = sums_[rows.indices[k]];
      const double value = static_cast<double>(rows.values[k]);
      if (std::isfinite(value)) {
        column.x += value;
        column.xx += value * value;
        column.xy += value * target;
      } else {  // a row that does not count for this column
        --column.n;
        column.y -= target;
        column.yy -= target * target;
      }
    }
  }
}

void TargetSums::merge(const TargetSums& other) {
  for (std::size_t j = 0; j < sums_.size(); ++j) sums_[j].merge(other.sums_[j]);
  absent_.merge(other.absent_);
}

std::vector<double> TargetSums::correlations() const {
  std::vector<double> all;
  for (Sums sums : sums_) {
    sums.merge(absent_);
    all.push_back(sums.correlation());
  }
  return all;
}

}  // namespace smtrain::formats
