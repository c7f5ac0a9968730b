// Squared distances between rows and centres, computed directly as sum (x - c)^2; and the norms of centres.
//
// `lanes` threads share a row: lane l sums every lanes-th number from l on, and a tree adds the lanes up.
#pragma once

#include "gpu/kernels/portable.h"

namespace smtrain::gpu {

/// Threads that share a row of d numbers: a sector of memory per row and step, more where rows are long.
SMTRAIN_BOTH constexpr int lanes_of(std::size_t d) { return d <= 256 ? 8 : 32; }

struct RowDistance {
  static constexpr int kThreads = 256, kBlocksPerProcessor = 1;
  struct Shared {
    float sum[kThreads];
  };
  using Registers = Nothing;

  const float* x = nullptr;  ///< (n, d), ldx numbers between rows
  std::size_t n = 0, d = 0, ldx = 0;
  const float* c = nullptr;           ///< (k, d), packed
  const std::int32_t* ids = nullptr;  ///< (n): the row of c; null: the first one
  bool lower = false;                 ///< keep what is in `out` where that is less
  float* out = nullptr;               ///< (n)

  std::size_t rows_per_block() const { return static_cast<std::size_t>(kThreads / lanes_of(d)); }
  std::size_t blocks() const { return ceil_div(n, rows_per_block()); }

  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared& shared, std::size_t index) const {
    const int lanes = lanes_of(d);
    const std::size_t first = index * static_cast<std::size_t>(kThreads / lanes);
    block.phase([&](int t, Registers&) {
      const std::size_t row = first + static_cast<std::size_t>(t / lanes);
      float sum = 0;
      if (row < n) {
        const float* from = x + row * ldx;
        const float* to = c + (ids == nullptr ? 0 : static_cast<std::size_t>(ids[row])) * d;
        for (std::size_t j = static_cast<std::size_t>(t % lanes); j < d; j += static_cast<std::size_t>(lanes)) {
          const float difference = from[j] - to[j];
          sum = fused(difference, difference, sum);
        }
      }
      shared.sum[t] = sum;
    });
    tree_sum(block, shared.sum, lanes);
    block.phase([&](int t, Registers&) {
      const std::size_t row = first + static_cast<std::size_t>(t / lanes);
      if (t % lanes != 0 || row >= n) return;
      const float sum = shared.sum[t];
      if (!lower || sum < out[row]) out[row] = sum;
    });
  }
};

/// bias = -|c|^2 / 2 of each centre, summed in float64.
struct HalfNorm {
  static constexpr int kThreads = 256, kLanes = 32, kBlocksPerProcessor = 1;
  struct Shared {
    double sum[kThreads];
  };
  using Registers = Nothing;

  const float* c = nullptr;  ///< (k, d), packed
  std::size_t k = 0, d = 0;
  float* bias = nullptr;  ///< (k)

  std::size_t blocks() const { return ceil_div(k, kThreads / kLanes); }

  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared& shared, std::size_t index) const {
    const std::size_t first = index * (kThreads / kLanes);
    block.phase([&](int t, Registers&) {
      const std::size_t row = first + static_cast<std::size_t>(t / kLanes);
      double sum = 0;
      for (std::size_t j = static_cast<std::size_t>(t % kLanes); row < k && j < d; j += kLanes) {
        const double v = static_cast<double>(c[row * d + j]);
        sum += v * v;
      }
      shared.sum[t] = sum;
    });
    tree_sum(block, shared.sum, kLanes);
    block.phase([&](int t, Registers&) {
      const std::size_t row = first + static_cast<std::size_t>(t / kLanes);
      if (t % kLanes == 0 && row < k) bias[row] = static_cast<float>(-0.5 * shared.sum[t]);
    });
  }
};

}  // namespace smtrain::gpu
