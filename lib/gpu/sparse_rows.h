// What the GPU backend hands out as sparse rows and as sets of rows.
#pragma once

#include "gpu/gpu_backend.h"

namespace smtrain::gpu {

/// The rows as they came, in a block of staged memory; the same numbers by column, and those scaled where there is a scale, in
/// memory of its own that only grows.
class GpuBackend::DeviceSparseRows final : public Backend::SparseRows {
 public:
  const GpuBackend* owner = nullptr;
  std::size_t rows = 0, cols = 0, nonzeros = 0;

  std::shared_ptr<compute::Buffer> block;  ///< of the next three, which are by row
  const std::uint32_t* starts = nullptr;   ///< (rows + 1)
  const std::int32_t* columns = nullptr;   ///< (nonzeros), as are the following
  const float* values = nullptr;

  compute::Mat memory;  ///< of the next three, which are by column
  std::int32_t* sorted_columns = nullptr;
  std::uint32_t* sorted_rows = nullptr;
  float* sorted_values = nullptr;
};

/// A mark for each row that there is.
class GpuBackend::DeviceRowSet final : public Backend::RowSet {
 public:
  const GpuBackend* owner = nullptr;
  compute::Mat marks;  ///< (1, rows) u8
};

}  // namespace smtrain::gpu
