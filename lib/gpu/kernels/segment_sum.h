// Sums of the rows of each centre, in float64, over rows sorted by centre.
//
// The sorted rows are cut into chunks of kRows. A chunk walks its rows in order, a thread per column; where the centre changes it
// adds the sum to its centre, which no other chunk touches, unless the run of that centre crosses the chunk's edge: then the
// sum goes to one of two slots of the chunk, `head` (the run began before) or `tail` (it goes on behind). JoinSegments adds a
// tail and the heads behind it, in order, and then to the centre. No atomics; the order of additions depends on the centres
// alone.
//
// Column d stands for the number 1, so that its sums are the counts.
#pragma once

#include "gpu/kernels/portable.h"

namespace smtrain::gpu {

struct Segments {
  static constexpr int kThreads = 64, kRows = 64, kAhead = 8, kBlocksPerProcessor = 1;
  using Shared = Nothing;
  using Registers = Nothing;

  const std::int32_t* keys = nullptr;    ///< (n), sorted
  const std::uint32_t* rows = nullptr;   ///< (n)
  const float* x = nullptr;              ///< (n, d), ldx numbers between rows
  const float* weights = nullptr;        ///< (n) or null
  std::size_t n = 0, d = 0, ldx = 0;
  double* heads = nullptr;               ///< (chunks, d + 1)
  double* tails = nullptr;               ///< (chunks, d + 1)
  double* sums = nullptr;                ///< (k, d), ld_sums numbers between rows
  double* counts = nullptr;              ///< (k)
  std::size_t ld_sums = 0;

  SMTRAIN_BOTH static std::size_t chunks_of(std::size_t n) { return ceil_div(n, kRows); }
  SMTRAIN_BOTH std::size_t column_tiles() const { return ceil_div(d + 1, kThreads); }
  std::size_t blocks() const { return chunks_of(n) * column_tiles(); }

  /// What chunk `chunk` holds: rows lo … hi - 1 of the sorted order, and whether its first and last runs cross its edges.
  struct Chunk {
    std::size_t lo, hi;
    bool head, tail;
  };
  SMTRAIN_BOTH Chunk chunk_at(std::size_t chunk) const {
    const std::size_t lo = chunk * kRows, hi = lo + kRows < n ? lo + kRows : n;
    return {lo, hi, lo > 0 && keys[lo - 1] == keys[lo], hi < n && keys[hi] == keys[hi - 1]};
  }
  SMTRAIN_BOTH void add(std::size_t key, std::size_t column, double sum) const {
    if (column < d) {
      sums[key * ld_sums + column] += sum;
    } else {
      counts[key] += sum;
    }
  }
  SMTRAIN_BOTH double value(std::size_t row, std::size_t column) const {
    const double w = weights == nullptr ? 1.0 : static_cast<double>(weights[row]);
    return column < d ? w * static_cast<double>(x[row * ldx + column]) : w;
  }
};

struct SumSegments : Segments {
  SMTRAIN_BOTH void sum_column(std::size_t at, std::size_t column) const {
    const Chunk chunk = chunk_at(at);
    std::int32_t key = keys[chunk.lo];
    bool first = true;
    double sum = 0;
    for (std::size_t base = chunk.lo; base < chunk.hi; base += kAhead) {
      double values[kAhead];  // several reads under way at once
      std::int32_t own[kAhead];
      SMTRAIN_UNROLL_ALL
      for (int i = 0; i < kAhead; ++i) {
        const std::size_t p = base + static_cast<std::size_t>(i) < chunk.hi ? base + static_cast<std::size_t>(i) : chunk.hi - 1;
        own[i] = keys[p];
        values[i] = value(rows[p], column);
      }
      SMTRAIN_UNROLL_ALL
      for (int i = 0; i < kAhead; ++i) {
        if (base + static_cast<std::size_t>(i) >= chunk.hi) continue;
        if (own[i] != key) {
          if (first && chunk.head) {
            heads[at * (d + 1) + column] = sum;
          } else {
            add(static_cast<std::size_t>(key), column, sum);
          }
          key = own[i];
          first = false;
          sum = 0;
        }
        sum += values[i];
      }
    }
    if (first && chunk.head) {
      heads[at * (d + 1) + column] = sum;
    } else if (chunk.tail) {
      tails[at * (d + 1) + column] = sum;
    } else {
      add(static_cast<std::size_t>(key), column, sum);
    }
  }

  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared&, std::size_t index) const {
    block.phase([&](int t, Registers&) {
      const std::size_t column = index % column_tiles() * kThreads + static_cast<std::size_t>(t);
      if (column <= d) sum_column(index / column_tiles(), column);
    });
  }
};

struct JoinSegments : Segments {
  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared&, std::size_t index) const {
    block.phase([&](int t, Registers&) {
      const std::size_t column = index % column_tiles() * kThreads + static_cast<std::size_t>(t), at = index / column_tiles();
      const Chunk chunk = chunk_at(at);
      const std::int32_t key = keys[chunk.hi - 1];
      const bool passes_through = chunk.head && keys[chunk.lo] == key;
      if (column > d || !chunk.tail || passes_through) return;
      double sum = tails[at * (d + 1) + column];
      for (std::size_t next = at + 1; next * kRows < n && keys[next * kRows] == key; ++next) sum += heads[next * (d + 1) + column];
      add(static_cast<std::size_t>(key), column, sum);
    });
  }
};

}  // namespace smtrain::gpu
