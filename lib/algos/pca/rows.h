// Rows on their way to the device: shifted, in float64, with a column of ones.
#pragma once

#include <functional>
#include <vector>

#include "compute/backend.h"
#include "formats/batch.h"
#include "job/staging.h"

namespace smtrain::pca {

/// Hands rows to the device piece by piece. Not thread-safe.
class ShiftedRows {
 public:
  /// shift (d), or empty: none.
  ShiftedRows(compute::Backend& backend, std::size_t d, std::vector<double> shift);

  /// Calls use(y) for consecutive row ranges that together are the batch; y (rows, d + 1) f64 holds x - shift and 1, both times the
  /// square root of the row's weight, so that sums of products are weighted sums. y is overwritten by the next.
  void for_each(const formats::Batch& batch, const std::function<void(const compute::Mat& y)>& use);

  /// The weighted sum of |x - shift|^2 over the rows, looked at on the host.
  double squares(const formats::Batch& batch) const;

  /// Bytes that an object of this width holds.
  static double bytes(std::size_t d);
  const std::vector<double>& shift() const { return shift_; }

 private:
  using Use = std::function<void(const compute::Mat& y)>;
  void for_each_weighted(const formats::Batch& batch, const Use& use);
  void spell_out(const formats::Batch& batch, std::size_t first, std::size_t count);

  compute::Backend& backend_;
  const std::size_t d_, chunk_;
  const std::vector<double> shift_;
  job::DenseStaging staging_;
  compute::Mat buffer_, shift_there_;  // (chunk, d + 1), (1, d)
  bool ones_ = false;                  // the last column of the buffer holds ones
  std::vector<double> host_;
};

/// A product with a scattered entry of a sparse row takes about as long as so many with entries of a dense one.
constexpr double kScattered = 16;

/// The number of entries of a batch: of a dense one, all.
std::uint64_t entries(const formats::Batch& batch);
/// Whether products with a batch are cheaper entry by entry.
bool is_scattered(const formats::Batch& batch);

}  // namespace smtrain::pca
