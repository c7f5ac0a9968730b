// Staging: the rows of a batch, dense or sparse, as device matrices.
#pragma once

#include <functional>

#include "compute/backend.h"
#include "formats/batch.h"

namespace smtrain::job {

/// Hands the rows of batches to the device as dense matrices. Dense batches go as they are; sparse ones are spelled out
/// piece by piece into a buffer of bounded size, which is reused. Not thread-safe.
class DenseStaging {
 public:
  explicit DenseStaging(compute::Backend& backend) : backend_(backend) {}

  /// Calls use(x, first_row) for consecutive row ranges that together are the batch; x (n, cols) f32.
  void for_each(const formats::Batch& batch, const std::function<void(const compute::Mat& x, std::size_t first_row)>& use);

 private:
  compute::Backend& backend_;
  compute::Mat buffer_;
};

/// One row of a batch, spelled out into `to` (cols numbers).
void copy_row(const formats::Batch& batch, std::size_t row, float* to);

}  // namespace smtrain::job
