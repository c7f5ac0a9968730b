// Factorization machines over sparse rows: scores, and the terms of their gradient.
//
// A power of two of threads shares a row, each with every so many factors: it keeps their sums while the numbers of the row go by;
// the linear terms are spread by number. What a row adds up to is summed by a tree, in float64, since s^2 and the squares nearly
// cancel where a row has one large number.
#pragma once

#include "gpu/kernels/portable.h"
#include "gpu/kernels/sparse_product.h"

namespace smtrain::gpu {

struct FactorScores {
  static constexpr int kThreads = 256, kBlocksPerProcessor = 1;
  struct Shared {
    double sum[kThreads];
  };
  using Registers = Nothing;

  const std::uint32_t* starts = nullptr;  ///< (n + 1)
  const std::int32_t* columns = nullptr;
  const float* values = nullptr;
  const float* p = nullptr;  ///< (d, k + 1), ldp numbers between rows: factors, then the linear term
  std::size_t n = 0, k = 0, ldp = 0;
  float* s = nullptr;  ///< (n, k), lds numbers between rows
  float* z = nullptr;  ///< (n), ldz numbers between rows
  std::size_t lds = 0, ldz = 0;

  /// Threads that share a row.
  SMTRAIN_BOTH int lanes() const {
    int lanes = 8;
    while (lanes < kThreads && static_cast<std::size_t>(lanes) < k) lanes *= 2;
    return lanes;
  }
  std::size_t blocks() const { return ceil_div(n, static_cast<std::size_t>(kThreads / lanes())); }

  /// Leaves s of one factor; returns s^2 - sum_j v_j^2 x_j^2.
  SMTRAIN_BOTH double factor(std::size_t row, std::size_t f) const {
    float sum = 0, squares = 0;
    for (std::size_t e = starts[row]; e < starts[row + 1]; ++e) {
      const float term = p[static_cast<std::size_t>(columns[e]) * ldp + f] * values[e];
      sum += term;
      squares = fused(term, term, squares);
    }
    s[row * lds + f] = sum;
    return static_cast<double>(sum) * static_cast<double>(sum) - static_cast<double>(squares);
  }

  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared& shared, std::size_t index) const {
    const int step = lanes();
    const auto row_of = [&](int t) { return index * static_cast<std::size_t>(kThreads / step) + static_cast<std::size_t>(t / step); };
    block.phase([&](int t, Registers&) {
      const std::size_t row = row_of(t), lane = static_cast<std::size_t>(t % step);
      double sum = 0;
      if (row < n) {
        for (std::size_t f = lane; f < k; f += static_cast<std::size_t>(step)) sum += 0.5 * factor(row, f);
        for (std::size_t e = starts[row] + lane; e < starts[row + 1]; e += static_cast<std::size_t>(step))
          sum += static_cast<double>(p[static_cast<std::size_t>(columns[e]) * ldp + k]) * static_cast<double>(values[e]);
      }
      shared.sum[t] = sum;
    });
    tree_sum(block, shared.sum, step);
    block.phase([&](int t, Registers&) {
      if (t % step == 0 && row_of(t) < n) z[row_of(t) * ldz] = static_cast<float>(shared.sum[t]);
    });
  }
};

/// g_jf += sum_i r_i x_ij (s_if - v_jf x_ij) of the factors, and sum_i r_i x_ij of the linear term, column k.
struct FactorColumns : ColumnSegments {
  const float* p = nullptr;  ///< (d, k + 1), ldp numbers between rows
  const float* s = nullptr;  ///< (rows of x, k), lds numbers between rows
  const float* r = nullptr;  ///< (rows of x), ldr numbers between rows
  std::size_t k = 0, ldp = 0, lds = 0, ldr = 0;

  SMTRAIN_BOTH double value(std::size_t place, std::size_t column) const {
    const std::size_t row = rows[place];
    const auto x = static_cast<double>(values[place]), slope = static_cast<double>(r[row * ldr]) * x;
    if (column == k) return slope;
    const auto own = static_cast<double>(p[static_cast<std::size_t>(keys[place]) * ldp + column]);
    return slope * (static_cast<double>(s[row * lds + column]) - own * x);
  }
};

}  // namespace smtrain::gpu
