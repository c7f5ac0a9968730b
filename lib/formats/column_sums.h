// Sums by column, gathered block by block and merged in block order.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "formats/table_scan.h"

namespace smtrain::formats {

/// What ColumnStats are computed from. Values are summed less a pivot that is the same in all blocks, so that the variance
/// survives a large mean and merging is plain addition.
class ColumnSums {
 public:
  explicit ColumnSums(std::span<const float> pivot);

  /// Adds rows × columns values, rows `ld` apart.
  void add_dense(const float* values, std::size_t rows, std::size_t ld);
  /// Adds one stored value.
  void add(std::size_t column, float value);
  /// `other` has the same pivot.
  void merge(const ColumnSums& other);

  /// Of a column of which `rows` values exist; those not added were 0 (sparse).
  ColumnStats stats(std::size_t column, std::uint64_t rows) const;

 private:
  template <class T>
  struct Counts {
    std::vector<T> finite, zeros, infinite, missing, fractions;
    void resize(std::size_t n);
  };
  void settle();

  std::vector<float> pivot_, min_, max_;
  std::vector<double> sum_, square_;
  Counts<std::uint64_t> counts_;
  Counts<std::uint32_t> pending_;  // narrow, so that the loop over columns becomes vector code
};

/// The statistics of all columns taken together.
ColumnStats combined(std::span<const ColumnStats> columns);

}  // namespace smtrain::formats
