// Sums of the rows of each key, in float64, over rows sorted by key: a key is the centre of a row, or the column of a number.
//
// The sorted rows are cut into chunks of kRows. A chunk walks its rows in order, a thread per column; where the key changes it
// adds the sum to its key, which no other chunk touches, unless the run of that key crosses the chunk's edge: then the
// sum goes to one of two slots of the chunk, `head` (the run began before) or `tail` (it goes on behind). Joining adds a
// tail and the heads behind it, in order, and then to the key. No atomics; the order of additions depends on the keys alone.
#pragma once

#include "gpu/kernels/portable.h"

namespace smtrain::gpu {

/// What one thread does with one chunk.
struct SortedKeys {
  static constexpr int kRows = 64, kAhead = 8, kBlocksPerProcessor = 1;

  const std::int32_t* keys = nullptr;  ///< (n), sorted
  std::size_t n = 0;

  SMTRAIN_BOTH static std::size_t chunks_of(std::size_t n) { return ceil_div(n, kRows); }

  /// What chunk `chunk` holds: rows lo … hi - 1 of the sorted order, and whether its first and last runs cross its edges.
  struct Chunk {
    std::size_t lo, hi;
    bool head, tail;
  };
  SMTRAIN_BOTH Chunk chunk_at(std::size_t chunk) const {
    const std::size_t lo = chunk * kRows, hi = lo + kRows < n ? lo + kRows : n;
    return {lo, hi, lo > 0 && keys[lo - 1] == keys[lo], hi < n && keys[hi] == keys[hi - 1]};
  }

  /// Sums value(place) of the places of chunk `at`: add(key, sum) for runs within it, `head` and `tail` for those that cross.
  template <class Value, class Add>
  SMTRAIN_BOTH void sum_chunk(std::size_t at, const Value& value, const Add& add, double* head, double* tail) const {
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
        values[i] = value(p);
      }
      SMTRAIN_UNROLL_ALL
      for (int i = 0; i < kAhead; ++i) {
        if (base + static_cast<std::size_t>(i) >= chunk.hi) continue;
        if (own[i] != key) {
          if (first && chunk.head) {
            *head = sum;
          } else {
            add(static_cast<std::size_t>(key), sum);
          }
          key = own[i];
          first = false;
          sum = 0;
        }
        sum += values[i];
      }
    }
    if (first && chunk.head) {
      *head = sum;
    } else if (chunk.tail) {
      *tail = sum;
    } else {
      add(static_cast<std::size_t>(key), sum);
    }
  }

  /// Adds up the run that begins in chunk `at` and goes on behind it, if there is one. `heads` and `tails` hold `stride` numbers a
  /// chunk, of which the first is meant.
  template <class Add>
  SMTRAIN_BOTH void join_chunk(std::size_t at, const double* heads, const double* tails, std::size_t stride, const Add& add) const {
    const Chunk chunk = chunk_at(at);
    const std::int32_t key = keys[chunk.hi - 1];
    const bool passes_through = chunk.head && keys[chunk.lo] == key;
    if (!chunk.tail || passes_through) return;
    double sum = tails[at * stride];
    bool goes_on = true;
    for (std::size_t next = at + 1; goes_on; next += kAhead) {
      double values[kAhead];
      bool own[kAhead];
      SMTRAIN_UNROLL_ALL
      for (int i = 0; i < kAhead; ++i) {
        const std::size_t other = next + static_cast<std::size_t>(i);
        own[i] = other * kRows < n && keys[other * kRows] == key;
        values[i] = own[i] ? heads[other * stride] : 0.0;
      }
      SMTRAIN_UNROLL_ALL
      for (int i = 0; i < kAhead; ++i) {
        if (own[i]) sum += values[i];
        goes_on = own[i];
      }
    }
    add(static_cast<std::size_t>(key), sum);
  }
};

/// The rows x_i of each centre, weighted. Column d stands for the number 1, so that its sums are the counts.
struct Segments : SortedKeys {
  static constexpr int kThreads = 64;
  using Shared = Nothing;
  using Registers = Nothing;

  const std::uint32_t* rows = nullptr;   ///< (n)
  const float* x = nullptr;              ///< (n, d), ldx numbers between rows
  const float* weights = nullptr;        ///< (n) or null
  std::size_t d = 0, ldx = 0;
  double* heads = nullptr;               ///< (chunks, d + 1)
  double* tails = nullptr;               ///< (chunks, d + 1)
  double* sums = nullptr;                ///< (k, d), ld_sums numbers between rows
  double* counts = nullptr;              ///< (k)
  std::size_t ld_sums = 0;

  SMTRAIN_BOTH std::size_t column_tiles() const { return ceil_div(d + 1, kThreads); }
  std::size_t blocks() const { return chunks_of(n) * column_tiles(); }

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
  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared&, std::size_t index) const {
    block.phase([&](int t, Registers&) {
      const std::size_t column = index % column_tiles() * kThreads + static_cast<std::size_t>(t), at = index / column_tiles();
      if (column > d) return;
      sum_chunk(at, [&](std::size_t place) { return value(rows[place], column); },
                [&](std::size_t key, double sum) { add(key, column, sum); }, heads + at * (d + 1) + column, tails + at * (d + 1) + column);
    });
  }
};

struct JoinSegments : Segments {
  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared&, std::size_t index) const {
    block.phase([&](int t, Registers&) {
      const std::size_t column = index % column_tiles() * kThreads + static_cast<std::size_t>(t), at = index / column_tiles();
      if (column > d) return;
      join_chunk(at, heads + column, tails + column, d + 1, [&](std::size_t key, double sum) { add(key, column, sum); });
    });
  }
};

}  // namespace smtrain::gpu
