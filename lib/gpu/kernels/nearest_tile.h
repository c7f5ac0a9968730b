// The nearest centre of each row: a matrix product whose result never leaves the registers.
//
// A block takes kRows rows against panels of kColumns centres, one panel after the other; a thread holds TM x TN scores
//   -|c|^2 / 2 + x . c      (the greatest belongs to the nearest centre),
// summed in ascending order of dimensions with fused multiply-adds, starting at -|c|^2 / 2. That is the arithmetic of the CPU's
// wide kernels, so that both devices choose the same centre; and a row's scores depend on nothing beside it.
// Ties go to the lowest index: a thread meets its columns in ascending order and takes only greater scores; threads, and parts of
// the panels in other blocks, are merged with the index as second key.
//
// Chunks of kDepth dimensions go through two shared buffers: while one is used, the next chunk is on its way from memory.
#pragma once

#include "gpu/kernels/portable.h"

namespace smtrain::gpu {

struct NearestArguments {
  const float* x = nullptr;  ///< (n, d), ldx numbers between rows
  std::size_t n = 0, d = 0, ldx = 0;
  const float* c = nullptr;  ///< (k, d), packed
  std::size_t k = 0;
  const float* bias = nullptr;  ///< (k): -|c|^2 / 2
  std::size_t parts = 1;        ///< blocks that share the panels of one tile of rows
  std::int32_t* ids = nullptr;  ///< (parts, n)
  float* scores = nullptr;      ///< (parts, n), or null when there is one part
};

/// Whether (score, index) is nearer than (other_score, other_index).
SMTRAIN_BOTH inline bool beats(float score, std::int32_t index, float other_score, std::int32_t other_index) {
  return score > other_score || (score == other_score && index < other_index);
}

template <int BM, int BN, int TM, int TN>
struct NearestTile {
  static constexpr int kRows = BM, kColumns = BN, kDepth = 8;
  static constexpr int kAcross = BN / TN, kThreads = BM / TM * kAcross, kBlocksPerProcessor = 2;
  static constexpr int kGroup = TN < 4 ? TN : 4;  // neighbouring columns of one thread
  static constexpr int kRowLoads = BM * kDepth / kThreads, kColumnLoads = (BN * kDepth + kThreads - 1) / kThreads;
  static_assert(BM % TM == 0 && BN % TN == 0 && TM % 4 == 0 && TN % kGroup == 0 && BM * kDepth % kThreads == 0 && BM <= kThreads);

  struct alignas(16) Four {
    float v[4];
  };
  struct Shared {
    Four x[2][kDepth][BM / 4 + 1];  // [dimension][row]; one more against bank conflicts
    Four c[2][kDepth][BN / 4 + 1];
    float score[BM][kAcross];
    std::int32_t index[BM][kAcross];
  };
  struct Registers {
    float acc[TM][TN];
    float score[TM];
    std::int32_t index[TM];
    float next_x[kRowLoads], next_c[kColumnLoads];
  };

  NearestArguments a;

  /// The blocks that cover all rows.
  std::size_t blocks() const { return ceil_div(a.n, BM) * a.parts; }

  /// Row and column of the tile that element (i, j) of a thread's scores is.
  SMTRAIN_BOTH static int row_of(int thread, int i) { return i / 4 * (BM / TM * 4) + thread / kAcross * 4 + i % 4; }
  SMTRAIN_BOTH static int column_of(int thread, int j) {
    return j / kGroup * (kAcross * kGroup) + thread % kAcross * kGroup + j % kGroup;
  }

  /// A chunk's numbers on their way: neighbouring threads read neighbouring dimensions of one row.
  SMTRAIN_BOTH void fetch(int thread, Registers& r, std::size_t first_row, std::size_t first_column, std::size_t first_dim) const {
    const std::size_t dim = first_dim + static_cast<std::size_t>(thread % kDepth);
    SMTRAIN_UNROLL_ALL
    for (int l = 0; l < kRowLoads; ++l) {
      const std::size_t row = first_row + static_cast<std::size_t>((thread + l * kThreads) / kDepth);
      r.next_x[l] = row < a.n && dim < a.d ? a.x[row * a.ldx + dim] : 0.0f;
    }
    SMTRAIN_UNROLL_ALL
    for (int l = 0; l < kColumnLoads; ++l) {
      const int at = (thread + l * kThreads) / kDepth;
      const std::size_t column = first_column + static_cast<std::size_t>(at);
      r.next_c[l] = at < BN && column < a.k && dim < a.d ? a.c[column * a.d + dim] : 0.0f;
    }
  }

  template <class Memory>
  SMTRAIN_BOTH static void put(int thread, const Registers& r, Memory& shared, int buffer) {
    const int dim = thread % kDepth;
    SMTRAIN_UNROLL_ALL
    for (int l = 0; l < kRowLoads; ++l) {
      const int row = (thread + l * kThreads) / kDepth;
      shared.x[buffer][dim][row / 4].v[row % 4] = r.next_x[l];
    }
    SMTRAIN_UNROLL_ALL
    for (int l = 0; l < kColumnLoads; ++l) {
      const int column = (thread + l * kThreads) / kDepth;
      if (column < BN) shared.c[buffer][dim][column / 4].v[column % 4] = r.next_c[l];
    }
  }

  /// Scores of centres that do not exist are never taken.
  SMTRAIN_BOTH void start(int thread, Registers& r, std::size_t first_column) const {
    SMTRAIN_UNROLL_ALL
    for (int j = 0; j < TN; ++j) {
      const std::size_t column = first_column + static_cast<std::size_t>(column_of(thread, j));
      const float bias = column < a.k ? a.bias[column] : -INFINITY;
      SMTRAIN_UNROLL_ALL
      for (int i = 0; i < TM; ++i) r.acc[i][j] = bias;
    }
  }

  template <class Memory>
  SMTRAIN_BOTH static void multiply(int thread, Registers& r, const Memory& shared, int buffer) {
    const int down = thread / kAcross, across = thread % kAcross;
    SMTRAIN_UNROLL_ALL
    for (int dim = 0; dim < kDepth; ++dim) {
      Four x[TM / 4];
      float c[TN];
      SMTRAIN_UNROLL_ALL
      for (int i = 0; i < TM / 4; ++i) x[i] = shared.x[buffer][dim][i * (BM / TM) + down];
      SMTRAIN_UNROLL_ALL
      for (int j = 0; j < TN; j += kGroup) {
        const int column = j / kGroup * (kAcross * kGroup) + across * kGroup;
        if constexpr (kGroup == 4) {
          const Four four = shared.c[buffer][dim][column / 4];
          SMTRAIN_UNROLL_ALL
          for (int g = 0; g < 4; ++g) c[j + g] = four.v[g];
        } else {
          SMTRAIN_UNROLL_ALL
          for (int g = 0; g < kGroup; ++g) c[j + g] = shared.c[buffer][dim][(column + g) / 4].v[(column + g) % 4];
        }
      }
      SMTRAIN_UNROLL_ALL
      for (int i = 0; i < TM; ++i) {
        SMTRAIN_UNROLL_ALL
        for (int j = 0; j < TN; ++j) r.acc[i][j] = fused(x[i / 4].v[i % 4], c[j], r.acc[i][j]);
      }
    }
  }

  SMTRAIN_BOTH static void take(int thread, Registers& r, std::size_t first_column) {
    SMTRAIN_UNROLL_ALL
    for (int i = 0; i < TM; ++i) {
      SMTRAIN_UNROLL_ALL
      for (int j = 0; j < TN; ++j) {
        if (r.acc[i][j] > r.score[i]) {
          r.score[i] = r.acc[i][j];
          r.index[i] = static_cast<std::int32_t>(first_column + static_cast<std::size_t>(column_of(thread, j)));
        }
      }
    }
  }

  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared& shared, std::size_t index) const {
    const std::size_t first_row = index / a.parts * BM, part = index % a.parts;
    const std::size_t panels = ceil_div(a.k, BN), steps = ceil_div(a.d, kDepth);
    const std::size_t begin = panels * part / a.parts, end = panels * (part + 1) / a.parts;
    block.phase([&](int t, Registers& r) {
      SMTRAIN_UNROLL_ALL
      for (int i = 0; i < TM; ++i) {
        r.score[i] = -INFINITY;
        r.index[i] = 0;
      }
      fetch(t, r, first_row, begin * BN, 0);
      put(t, r, shared, 0);
    });
    int buffer = 0;
    for (std::size_t panel = begin; panel < end; ++panel) {
      for (std::size_t step = 0; step < steps; ++step) {
        const bool ends = step + 1 == steps, last = ends && panel + 1 == end;
        const std::size_t next_panel = ends ? panel + 1 : panel, next_step = ends ? 0 : step + 1;
        block.phase([&](int t, Registers& r) {
          if (!last) fetch(t, r, first_row, next_panel * BN, next_step * kDepth);
          if (step == 0) start(t, r, panel * BN);
          multiply(t, r, shared, buffer);
          if (ends) take(t, r, panel * BN);
          if (!last) put(t, r, shared, 1 - buffer);
        });
        buffer = 1 - buffer;
      }
    }
    block.phase([&](int t, Registers& r) {
      SMTRAIN_UNROLL_ALL
      for (int i = 0; i < TM; ++i) {
        shared.score[row_of(t, i)][t % kAcross] = r.score[i];
        shared.index[row_of(t, i)][t % kAcross] = r.index[i];
      }
    });
    block.phase([&](int t, Registers&) {
      const std::size_t row = first_row + static_cast<std::size_t>(t);
      if (t >= BM || row >= a.n) return;
      float score = shared.score[t][0];
      std::int32_t best = shared.index[t][0];
      for (int j = 1; j < kAcross; ++j) {
        if (!beats(shared.score[t][j], shared.index[t][j], score, best)) continue;
        score = shared.score[t][j];
        best = shared.index[t][j];
      }
      a.ids[part * a.n + row] = best;
      if (a.scores != nullptr) a.scores[part * a.n + row] = score;
    });
  }
};

using NearestNarrow = NearestTile<128, 16, 4, 2>;
using NearestMiddle = NearestTile<128, 64, 8, 4>;
using NearestWide = NearestTile<128, 128, 8, 8>;

/// The best of the parts of each row; ids may be those of part 0.
struct MergeParts {
  static constexpr int kThreads = 256, kBlocksPerProcessor = 1;
  using Shared = Nothing;
  using Registers = Nothing;

  const std::int32_t* part_ids = nullptr;  ///< (parts, n)
  const float* part_scores = nullptr;
  std::size_t parts = 0, n = 0;
  std::int32_t* ids = nullptr;

  std::size_t blocks() const { return ceil_div(n, kThreads); }

  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared&, std::size_t index) const {
    block.phase([&](int t, Registers&) {
      const std::size_t row = index * kThreads + static_cast<std::size_t>(t);
      if (row >= n) return;
      float score = part_scores[row];
      std::int32_t best = part_ids[row];
      for (std::size_t p = 1; p < parts; ++p) {
        const float other = part_scores[p * n + row];
        const std::int32_t other_id = part_ids[p * n + row];
        if (!beats(other, other_id, score, best)) continue;
        score = other;
        best = other_id;
      }
      ids[row] = best;
    });
  }
};

}  // namespace smtrain::gpu
