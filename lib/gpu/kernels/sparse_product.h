// Products with sparse rows from both sides, and rows that are picked from a matrix or put into it.
//
// From the left, `lanes` threads share one number of the result: lane l takes every lanes-th number of the sparse row, a tree
// adds the lanes up. From the right, the numbers are sorted by column (sort_rows.h) and summed as segments (segment_sum.h): a
// thread per chunk and column of the result, in float64, without atomics.
#pragma once

#include "gpu/kernels/portable.h"
#include "gpu/kernels/segment_sum.h"

namespace smtrain::gpu {

/// to = values[i] * scale[columns[i]].
struct ScaleValues {
  static constexpr int kThreads = 256, kBlocksPerProcessor = 1;
  using Shared = Nothing;
  using Registers = Nothing;

  const std::int32_t* columns = nullptr;  ///< (n)
  const float* values = nullptr;          ///< (n)
  const float* scale = nullptr;
  std::size_t n = 0;
  float* to = nullptr;  ///< (n)

  std::size_t blocks() const { return ceil_div(n, kThreads); }

  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared&, std::size_t index) const {
    block.phase([&](int t, Registers&) {
      const std::size_t i = index * kThreads + static_cast<std::size_t>(t);
      if (i < n) to[i] = values[i] * scale[columns[i]];
    });
  }
};

/// Numbers with their rows and columns, in sorted order.
struct TurnOver {
  static constexpr int kThreads = 256, kBlocksPerProcessor = 1;
  using Shared = Nothing;
  using Registers = Nothing;

  const std::uint32_t* starts = nullptr;  ///< (rows + 1): where the numbers of each row begin
  const float* values = nullptr;          ///< (n)
  const std::int32_t* keys = nullptr;     ///< (n): the columns, sorted
  const std::uint32_t* order = nullptr;   ///< (n): the places that the sorted numbers come from
  std::size_t rows = 0, n = 0;
  std::int32_t* to_columns = nullptr;
  std::uint32_t* to_rows = nullptr;
  float* to_values = nullptr;

  std::size_t blocks() const { return ceil_div(n, kThreads); }

  /// The row that holds place `place`: the last one that begins at or before it.
  SMTRAIN_BOTH std::uint32_t row_of(std::uint32_t place) const {
    std::size_t low = 0, high = rows;
    while (high - low > 1) {
      const std::size_t middle = low + (high - low) / 2;
      if (starts[middle] <= place) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return static_cast<std::uint32_t>(low);
  }

  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared&, std::size_t index) const {
    block.phase([&](int t, Registers&) {
      const std::size_t i = index * kThreads + static_cast<std::size_t>(t);
      if (i >= n) return;
      to_columns[i] = keys[i];
      to_rows[i] = row_of(order[i]);
      to_values[i] = values[order[i]];
    });
  }
};

/// z (n, p) = x w.
struct SparseProduct {
  static constexpr int kThreads = 256, kBlocksPerProcessor = 1;
  struct Shared {
    float sum[kThreads];
  };
  using Registers = Nothing;

  const std::uint32_t* starts = nullptr;  ///< (n + 1)
  const std::int32_t* columns = nullptr;
  const float* values = nullptr;
  const float* w = nullptr;  ///< (d, p), ldw numbers between rows
  std::size_t n = 0, p = 0, ldw = 0;
  float* z = nullptr;  ///< (n, p), ldz numbers between rows
  std::size_t ldz = 0;

  /// Threads that share one number of z: with many columns there are threads enough, and rows of w are read whole.
  SMTRAIN_BOTH int lanes() const { return p < 8 ? 8 : 1; }
  std::size_t blocks() const { return ceil_div(n * p * static_cast<std::size_t>(lanes()), kThreads); }

  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared& shared, std::size_t index) const {
    const auto step = static_cast<std::size_t>(lanes());
    const auto at = [&](int t) { return (index * kThreads + static_cast<std::size_t>(t)) / step; };
    block.phase([&](int t, Registers&) {
      const std::size_t row = at(t) / p, column = at(t) % p;
      float sum = 0;
      if (row < n) {
        for (std::size_t k = starts[row] + static_cast<std::size_t>(t) % step; k < starts[row + 1]; k += step)
          sum = fused(values[k], w[static_cast<std::size_t>(columns[k]) * ldw + column], sum);
      }
      shared.sum[t] = sum;
    });
    tree_sum(block, shared.sum, lanes());
    block.phase([&](int t, Registers&) {
      const std::size_t row = at(t) / p, column = at(t) % p;
      if (static_cast<std::size_t>(t) % step == 0 && row < n) z[row * ldz + column] = shared.sum[t];
    });
  }
};

/// Columns first … first + count - 1 of g (d, p) += sums over the numbers of x sorted by column; marks the rows of g that are added to.
struct ColumnSegments : SortedKeys {
  static constexpr int kThreads = 128;
  using Shared = Nothing;
  using Registers = Nothing;

  const std::uint32_t* rows = nullptr;  ///< (n)
  const float* values = nullptr;        ///< (n)
  std::size_t first = 0, count = 0;
  double* heads = nullptr;  ///< (chunks, count)
  double* tails = nullptr;  ///< (chunks, count)
  float* g = nullptr;       ///< (d, p), ldg numbers between rows
  std::size_t ldg = 0;
  std::uint8_t* marks = nullptr;  ///< (d)

  std::size_t blocks() const { return ceil_div(chunks_of(n) * count, kThreads); }

  /// The chunk and the column of a thread, counted from the first; false where there is none.
  SMTRAIN_BOTH bool find(std::size_t index, int t, std::size_t& chunk, std::size_t& column) const {
    const std::size_t i = index * kThreads + static_cast<std::size_t>(t);
    chunk = i / count;
    column = i % count;
    return chunk < chunks_of(n);
  }
  SMTRAIN_BOTH void add(std::size_t key, std::size_t column, double sum) const {
    float& to = g[key * ldg + first + column];
    to = static_cast<float>(static_cast<double>(to) + sum);
    if (column == 0) marks[key] = 1;
  }
};

/// g += transposed(x) r.
struct ProductColumns : ColumnSegments {
  const float* r = nullptr;  ///< (rows of x, p), ldr numbers between rows
  std::size_t ldr = 0;

  SMTRAIN_BOTH double value(std::size_t place, std::size_t column) const {
    return static_cast<double>(values[place]) * static_cast<double>(r[rows[place] * ldr + column]);
  }
};

/// Terms: what is summed, by a member value(place, column of g).
template <class Terms>
struct SumColumns : Terms {
  using typename Terms::Registers;
  using typename Terms::Shared;

  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared&, std::size_t index) const {
    block.phase([&](int t, Registers&) {
      std::size_t at, column;
      if (!this->find(index, t, at, column)) return;
      const std::size_t slot = at * this->count + column;
      this->sum_chunk(at, [&](std::size_t place) { return this->value(place, this->first + column); },
                      [&](std::size_t key, double sum) { this->add(key, column, sum); }, this->heads + slot, this->tails + slot);
    });
  }
};

struct JoinColumns : ColumnSegments {
  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared&, std::size_t index) const {
    block.phase([&](int t, Registers&) {
      std::size_t at, column;
      if (find(index, t, at, column))
        join_chunk(at, heads + column, tails + column, count, [&](std::size_t key, double sum) { add(key, column, sum); });
    });
  }
};

/// Rows of a matrix, packed, by their numbers.
struct PickRows {
  static constexpr int kThreads = 256, kBlocksPerProcessor = 1;
  using Shared = Nothing;
  using Registers = Nothing;

  const std::uint32_t* ids = nullptr;  ///< (n)
  std::size_t n = 0, p = 0;
  const float* g = nullptr;  ///< (d, p), ldg numbers between rows
  std::size_t ldg = 0;
  float* to = nullptr;  ///< (n, p)

  std::size_t blocks() const { return ceil_div(n * p, kThreads); }

  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared&, std::size_t index) const {
    block.phase([&](int t, Registers&) {
      const std::size_t i = index * kThreads + static_cast<std::size_t>(t);
      if (i < n * p) to[i] = g[ids[i / p] * ldg + i % p];
    });
  }
};

/// The way back, which marks the rows.
struct PutRows {
  static constexpr int kThreads = 256, kBlocksPerProcessor = 1;
  using Shared = Nothing;
  using Registers = Nothing;

  const std::uint32_t* ids = nullptr;  ///< (n), no two alike
  const float* values = nullptr;       ///< (n, p)
  std::size_t n = 0, p = 0;
  float* g = nullptr;  ///< (d, p), ldg numbers between rows
  std::size_t ldg = 0;
  std::uint8_t* marks = nullptr;  ///< (d)

  std::size_t blocks() const { return ceil_div(n * p, kThreads); }

  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared&, std::size_t index) const {
    block.phase([&](int t, Registers&) {
      const std::size_t i = index * kThreads + static_cast<std::size_t>(t);
      if (i >= n * p) return;
      const std::size_t row = ids[i / p];
      g[row * ldg + i % p] = values[i];
      if (i % p == 0) marks[row] = 1;
    });
  }
};

}  // namespace smtrain::gpu
