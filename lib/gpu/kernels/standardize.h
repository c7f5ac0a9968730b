// y = (x - shift) * scale by columns; a thread takes kPerThread numbers, those of neighbouring threads beside each other.
#pragma once

#include "gpu/kernels/portable.h"

namespace smtrain::gpu {

/// T: the type of y, shift and scale, in which it is computed.
template <class T>
struct Standardize {
  static constexpr int kThreads = 256, kPerThread = 4, kBlocksPerProcessor = 1;
  using Shared = Nothing;
  using Registers = Nothing;

  const float* x = nullptr;  ///< (n, d), ldx numbers between rows
  std::size_t n = 0, d = 0, ldx = 0;
  const T* shift = nullptr;  ///< (d) or null
  const T* scale = nullptr;  ///< (d) or null
  T* y = nullptr;            ///< (n, d), ldy numbers between rows
  std::size_t ldy = 0;

  std::size_t blocks() const { return ceil_div(n * d, kThreads * kPerThread); }

  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared&, std::size_t index) const {
    block.phase([&](int t, Registers&) {
      SMTRAIN_UNROLL_ALL
      for (int k = 0; k < kPerThread; ++k) {
        const std::size_t i = (index * kPerThread + static_cast<std::size_t>(k)) * kThreads + static_cast<std::size_t>(t);
        if (i >= n * d) return;
        const std::size_t row = i / d, column = i % d;
        T v = static_cast<T>(x[row * ldx + column]);
        if (shift != nullptr) v -= shift[column];
        if (scale != nullptr) v *= scale[column];
        y[row * ldy + column] = v;
      }
    });
  }
};

}  // namespace smtrain::gpu
