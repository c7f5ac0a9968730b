// Rows in order of their centres: a stable radix sort of (centre, row), kBits bits a pass, lowest first.
//
// A pass: CountDigits counts the digits of each tile of kTile rows; ScanCounts turns the counts, digit by digit and tile by tile,
// into places; PlaceRows counts again and moves each row to its place. A thread holds kPerThread neighbouring rows, so that the
// order within a tile is that of the threads. Stable and without atomics: the order depends on the centres alone.
#pragma once

#include "gpu/kernels/portable.h"

namespace smtrain::gpu {

struct DigitTile {
  static constexpr int kBits = 6, kDigits = 1 << kBits, kThreads = 128, kPerThread = 16, kTile = kThreads * kPerThread;
  static constexpr int kBlocksPerProcessor = 1;
  struct Shared {
    std::uint16_t count[kDigits][kThreads + 2];  // two more against bank conflicts
  };
  static_assert(kDigits <= kThreads && kTile < 65536);

  const std::int32_t* keys = nullptr;  ///< (n), none negative
  std::size_t n = 0;
  int shift = 0;  ///< of this pass

  SMTRAIN_BOTH std::size_t tiles() const { return ceil_div(n, kTile); }
  SMTRAIN_BOTH int digit(std::size_t at) const { return keys[at] >> shift & (kDigits - 1); }

  /// A thread's own column: how often each digit occurs in its rows.
  SMTRAIN_BOTH void count(int thread, Shared& shared, std::size_t tile) const {
    for (int value = 0; value < kDigits; ++value) shared.count[value][thread] = 0;
    const std::size_t first = tile * kTile + static_cast<std::size_t>(thread) * kPerThread;
    for (std::size_t i = first; i < first + kPerThread && i < n; ++i) ++shared.count[digit(i)][thread];
  }

  /// Passes for keys below k.
  static int passes(std::size_t k) {
    int count = 1;
    for (std::size_t most = (k - 1) >> kBits; most > 0; most >>= kBits) ++count;
    return count;
  }
};

struct CountDigits : DigitTile {
  using Registers = Nothing;
  std::uint32_t* totals = nullptr;  ///< (kDigits, tiles)

  std::size_t blocks() const { return tiles(); }

  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared& shared, std::size_t index) const {
    block.phase([&](int t, Registers&) { count(t, shared, index); });
    block.phase([&](int t, Registers&) {
      if (t >= kDigits) return;
      std::uint32_t total = 0;
      for (int i = 0; i < kThreads; ++i) total += shared.count[t][i];
      totals[static_cast<std::size_t>(t) * tiles() + index] = total;
    });
  }
};

/// values[i] becomes the sum of all before it; by one block.
struct ScanCounts {
  static constexpr int kThreads = 512, kBlocksPerProcessor = 1;
  struct Shared {
    std::uint32_t sum[2][kThreads];
  };
  using Registers = Nothing;

  std::uint32_t* values = nullptr;
  std::size_t n = 0;

  std::size_t blocks() const { return 1; }

  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared& shared, std::size_t) const {
    const std::size_t each = ceil_div(n, kThreads);
    block.phase([&](int t, Registers&) {
      const std::size_t first = static_cast<std::size_t>(t) * each;
      std::uint32_t sum = 0;
      for (std::size_t i = first; i < first + each && i < n; ++i) sum += values[i];
      shared.sum[0][t] = sum;
    });
    int from = 0;
    for (int reach = 1; reach < kThreads; reach *= 2) {
      block.phase([&](int t, Registers&) {
        shared.sum[1 - from][t] = shared.sum[from][t] + (t >= reach ? shared.sum[from][t - reach] : 0);
      });
      from = 1 - from;
    }
    block.phase([&](int t, Registers&) {
      const std::size_t first = static_cast<std::size_t>(t) * each;
      std::uint32_t before = t == 0 ? 0 : shared.sum[from][t - 1];
      for (std::size_t i = first; i < first + each && i < n; ++i) {
        const std::uint32_t own = values[i];
        values[i] = before;
        before += own;
      }
    });
  }
};

struct PlaceRows : DigitTile {
  using Registers = Nothing;
  const std::uint32_t* rows = nullptr;    ///< (n); null: 0, 1, 2 ...
  const std::uint32_t* places = nullptr;  ///< (kDigits, tiles): where the rows of a digit and tile begin
  std::int32_t* to_keys = nullptr;
  std::uint32_t* to_rows = nullptr;

  std::size_t blocks() const { return tiles(); }

  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared& shared, std::size_t index) const {
    block.phase([&](int t, Registers&) { count(t, shared, index); });
    block.phase([&](int t, Registers&) {
      if (t >= kDigits) return;
      std::uint16_t before = 0;
      for (int i = 0; i < kThreads; ++i) {
        const std::uint16_t own = shared.count[t][i];
        shared.count[t][i] = before;
        before = static_cast<std::uint16_t>(before + own);
      }
    });
    block.phase([&](int t, Registers&) {
      const std::size_t first = index * kTile + static_cast<std::size_t>(t) * kPerThread;
      for (std::size_t i = first; i < first + kPerThread && i < n; ++i) {
        const int d = digit(i);
        const std::size_t to = places[static_cast<std::size_t>(d) * tiles() + index] + shared.count[d][t]++;
        to_keys[to] = keys[i];
        to_rows[to] = rows == nullptr ? static_cast<std::uint32_t>(i) : rows[i];
      }
    });
  }
};

}  // namespace smtrain::gpu
