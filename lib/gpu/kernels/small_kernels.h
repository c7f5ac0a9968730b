// The loss, the update of centres, and sparse numbers spelled out.
#pragma once

#include "gpu/kernels/portable.h"

namespace smtrain::gpu {

/// Sums of w_i d_i over tiles of kTile rows, in float64: a thread takes every kThreads-th row of its tile, a tree the rest.
struct LossTiles {
  static constexpr int kThreads = 256, kPerThread = 8, kTile = kThreads * kPerThread, kBlocksPerProcessor = 1;
  struct Shared {
    double sum[kThreads];
  };
  using Registers = Nothing;

  const float* distances = nullptr;  ///< (n)
  const float* weights = nullptr;    ///< (n) or null
  std::size_t n = 0;
  double* tiles = nullptr;

  std::size_t blocks() const { return ceil_div(n, kTile); }

  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared& shared, std::size_t index) const {
    block.phase([&](int t, Registers&) {
      double sum = 0;
      for (int i = 0; i < kPerThread; ++i) {
        const std::size_t row = index * kTile + static_cast<std::size_t>(i * kThreads + t);
        if (row < n) sum += (weights == nullptr ? 1.0 : static_cast<double>(weights[row])) * static_cast<double>(distances[row]);
      }
      shared.sum[t] = sum;
    });
    tree_sum(block, shared.sum, kThreads);
    block.phase([&](int t, Registers&) {
      if (t == 0) tiles[index] = shared.sum[0];
    });
  }
};

/// loss += the sum of the tiles; by one block.
struct LossTotal {
  static constexpr int kThreads = 256, kBlocksPerProcessor = 1;
  using Shared = LossTiles::Shared;
  using Registers = Nothing;

  const double* tiles = nullptr;
  std::size_t n = 0;
  double* loss = nullptr;

  std::size_t blocks() const { return 1; }

  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared& shared, std::size_t) const {
    block.phase([&](int t, Registers&) {
      double sum = 0;
      for (std::size_t i = static_cast<std::size_t>(t); i < n; i += kThreads) sum += tiles[i];
      shared.sum[t] = sum;
    });
    tree_sum(block, shared.sum, kThreads);
    block.phase([&](int t, Registers&) {
      if (t == 0) *loss += shared.sum[0];
    });
  }
};

/// Backend::blend_means; a block per centre.
struct BlendMeans {
  static constexpr int kThreads = 128, kBlocksPerProcessor = 1;
  using Shared = Nothing;
  using Registers = Nothing;

  const double* sums = nullptr;    ///< (k, d), ld_sums numbers between rows
  const double* counts = nullptr;  ///< (k)
  float* c = nullptr;              ///< (k, d), ld_c numbers between rows
  double* n = nullptr;             ///< (k)
  std::size_t k = 0, d = 0, ld_sums = 0, ld_c = 0;
  double decay = 1;

  std::size_t blocks() const { return k; }

  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared&, std::size_t index) const {
    block.phase([&](int t, Registers&) {
      const double before = n[index] * decay, m = counts[index];
      if (!(m > 0)) return;
      const double p = m / (before + m);
      for (std::size_t j = static_cast<std::size_t>(t); j < d; j += kThreads) {
        float& at = c[index * ld_c + j];
        at = static_cast<float>((1 - p) * static_cast<double>(at) + p * (sums[index * ld_sums + j] / m));
      }
    });
    block.phase([&](int t, Registers&) {
      if (t != 0) return;
      const double before = n[index] * decay, m = counts[index];
      n[index] = m > 0 ? before + m : before;
    });
  }
};

/// to[rows[i], columns[i]] = values[i]. Of numbers beside each other for one place the last counts.
struct SpellOut {
  static constexpr int kThreads = 256, kBlocksPerProcessor = 1;
  using Shared = Nothing;
  using Registers = Nothing;

  const std::uint32_t* rows = nullptr;
  const std::uint32_t* columns = nullptr;
  const float* values = nullptr;
  std::size_t n = 0;
  float* to = nullptr;
  std::size_t ld = 0;

  std::size_t blocks() const { return ceil_div(n, kThreads); }

  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared&, std::size_t index) const {
    block.phase([&](int t, Registers&) {
      const std::size_t i = index * kThreads + static_cast<std::size_t>(t);
      if (i >= n || (i + 1 < n && rows[i] == rows[i + 1] && columns[i] == columns[i + 1])) return;
      to[rows[i] * ld + columns[i]] = values[i];
    });
  }
};

}  // namespace smtrain::gpu
