// The k nearest rows of each query, as float64 finds them: a float32 filter, and a direct look at what it lets through.
//
// The filter is a matrix product whose scores never leave the block: those of a tile go to shared memory, where one thread per query
// compares them with the worst of its list, so that hardly any is taken. Rows and queries are moved by one of the rows first, which
// keeps digits where all lie far from the origin. Scores are optimistic by a margin that covers their rounding:
//   distance: v . w - |v|^2 / 2 + slack |v|^2,  product: v . w + slack |v| |w|.
// A query whose list turns out too short to be sure of is looked at in full.
#pragma once

#include <cmath>

#include "gpu/kernels/nearest_tile.h"

namespace smtrain::gpu {

struct SearchArguments {
  const float* x = nullptr;  ///< (n, d) queries, ldx numbers between rows
  std::size_t n = 0, d = 0, ldx = 0;
  const float* c = nullptr;  ///< (rows, d) what is searched, ldc numbers between rows
  std::size_t rows = 0, ldc = 0;
  const float* shift = nullptr;  ///< (d), or null: products are compared, as they are
  const double* x_squares = nullptr;  ///< (n): |w|^2
  const double* c_squares = nullptr;  ///< (rows): |v|^2
  double slack = 0;
  std::size_t k = 0;
  std::size_t parts = 1, room = 0;  ///< lists of each query, and how many rows each holds
  float* list_scores = nullptr;     ///< (parts, n, room): heaps, the worst row on top
  std::int32_t* list_ids = nullptr;
  std::uint32_t* held = nullptr;  ///< (parts, n)
  double* keys = nullptr;         ///< (n, parts * room), then the k best
  std::int32_t* ids = nullptr;    ///< (n, k), ld_ids numbers between rows
  float* scores = nullptr;        ///< (n, k)
  std::size_t ld_ids = 0, ld_scores = 0;
  std::uint32_t* unsure = nullptr;  ///< (n)

  SMTRAIN_BOTH bool distances() const { return shift != nullptr; }

  /// The squared distance of a query and a row, or minus their product: less is nearer.
  SMTRAIN_BOTH double key(std::size_t query, std::size_t row) const {
    const float* a = x + query * ldx;
    const float* b = c + row * ldc;
    double sum = 0;
    for (std::size_t j = 0; j < d; ++j) {
      const double u = static_cast<double>(a[j]), v = static_cast<double>(b[j]);
      sum = distances() ? fma(u - v, u - v, sum) : fma(-u, v, sum);
    }
    return sum;
  }
  SMTRAIN_BOTH float score_of(double key_value) const { return static_cast<float>(distances() ? key_value : -key_value); }

  /// Whatever is at least as near as `key` has a score not below this. Of a query too large for float32 nothing is known.
  SMTRAIN_BOTH float threshold(std::size_t query, double key_value) const {
    if (!(x_squares[query] < 1e36)) return -INFINITY;
    const double score = distances() ? (x_squares[query] - key_value) / 2 - slack * x_squares[query] : -key_value;
    return nextafterf(static_cast<float>(score - 1e-35), -INFINITY);
  }
};

/// Whether (key, id) is nearer than (other_key, other_id).
SMTRAIN_BOTH inline bool nearer(double key, std::int32_t id, double other_key, std::int32_t other_id) {
  return key < other_key || (key == other_key && id < other_id);
}

/// |x - shift|^2 of rows in float64, of the numbers as the filter has them.
struct ShiftedSquares {
  static constexpr int kThreads = 256, kLanes = 32, kBlocksPerProcessor = 1;
  struct Shared {
    double sum[kThreads];
  };
  using Registers = Nothing;

  const float* x = nullptr;  ///< (n, d), ldx numbers between rows
  std::size_t n = 0, d = 0, ldx = 0;
  const float* shift = nullptr;  ///< (d) or null
  double* squares = nullptr;     ///< (n)

  std::size_t blocks() const { return ceil_div(n, kThreads / kLanes); }

  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared& shared, std::size_t index) const {
    const std::size_t first = index * (kThreads / kLanes);
    block.phase([&](int t, Registers&) {
      const std::size_t row = first + static_cast<std::size_t>(t / kLanes);
      double sum = 0;
      for (std::size_t j = static_cast<std::size_t>(t % kLanes); row < n && j < d; j += kLanes) {
        const float moved = x[row * ldx + j] - (shift == nullptr ? 0.0f : shift[j]);
        sum += static_cast<double>(moved) * static_cast<double>(moved);
      }
      shared.sum[t] = sum;
    });
    tree_sum(block, shared.sum, kLanes);
    block.phase([&](int t, Registers&) {
      const std::size_t row = first + static_cast<std::size_t>(t / kLanes);
      if (t % kLanes == 0 && row < n) squares[row] = shared.sum[t];
    });
  }
};

/// The lists. A block takes a tile of queries against its part of the rows, panel by panel.
struct SearchTile {
  using Tile = NearestMiddle;
  static constexpr int kThreads = Tile::kThreads, kQueries = Tile::kRows, kColumns = Tile::kColumns, kBlocksPerProcessor = 1;
  static constexpr int kRowsDown = kQueries / (kThreads / Tile::kAcross), kColumnsEach = kColumns / Tile::kAcross;
  static_assert(kQueries <= kThreads);

  struct Shared {
    Tile::Four x[2][Tile::kDepth][kQueries / 4 + 1];
    Tile::Four c[2][Tile::kDepth][kColumns / 4 + 1];
    float scores[kQueries][kColumns + 1];
  };
  struct Registers {
    Tile::Registers tile;
    std::uint32_t held;
    float worst;
  };

  SearchArguments a;

  std::size_t blocks() const { return ceil_div(a.n, kQueries) * a.parts; }

  SMTRAIN_BOTH void fetch(int thread, Tile::Registers& r, std::size_t first_query, std::size_t first_row, std::size_t first_dim) const {
    const std::size_t dim = first_dim + static_cast<std::size_t>(thread % Tile::kDepth);
    const float shift = a.shift != nullptr && dim < a.d ? a.shift[dim] : 0.0f;
    SMTRAIN_UNROLL_ALL
    for (int l = 0; l < Tile::kRowLoads; ++l) {
      const std::size_t query = first_query + static_cast<std::size_t>((thread + l * kThreads) / Tile::kDepth);
      r.next_x[l] = query < a.n && dim < a.d ? a.x[query * a.ldx + dim] - shift : 0.0f;
    }
    SMTRAIN_UNROLL_ALL
    for (int l = 0; l < Tile::kColumnLoads; ++l) {
      const int at = (thread + l * kThreads) / Tile::kDepth;
      const std::size_t row = first_row + static_cast<std::size_t>(at);
      r.next_c[l] = at < kColumns && row < a.rows && dim < a.d ? a.c[row * a.ldc + dim] - shift : 0.0f;
    }
  }

  SMTRAIN_BOTH void start(int thread, Tile::Registers& r, std::size_t first_query, std::size_t first_row) const {
    for (int i = 0; i < kRowsDown; ++i) {
      const std::size_t query = first_query + static_cast<std::size_t>(Tile::row_of(thread, i));
      for (int j = 0; j < kColumnsEach; ++j) {
        const std::size_t row = first_row + static_cast<std::size_t>(Tile::column_of(thread, j));
        double bias = 0;
        if (row < a.rows && query < a.n) {
          bias = a.distances() ? -(0.5 - a.slack) * a.c_squares[row] : a.slack * sqrt(a.c_squares[row]) * sqrt(a.x_squares[query]);
        }
        r.acc[i][j] = static_cast<float>(bias);
      }
    }
  }

  /// Whether list place `p` is farther than `q`: what the heap has on top.
  SMTRAIN_BOTH static bool farther(const float* scores, const std::int32_t* ids, std::size_t p, std::size_t q) {
    return beats(scores[q], ids[q], scores[p], ids[p]);
  }
  SMTRAIN_BOTH static void swap_places(float* scores, std::int32_t* ids, std::size_t p, std::size_t q) {
    const float score = scores[p];
    const std::int32_t id = ids[p];
    scores[p] = scores[q];
    ids[p] = ids[q];
    scores[q] = score;
    ids[q] = id;
  }
  SMTRAIN_BOTH static void push(float* scores, std::int32_t* ids, std::size_t place, float score, std::int32_t id) {
    scores[place] = score;
    ids[place] = id;
    while (place > 0 && farther(scores, ids, place, (place - 1) / 2)) {
      swap_places(scores, ids, place, (place - 1) / 2);
      place = (place - 1) / 2;
    }
  }
  SMTRAIN_BOTH static void replace_top(float* scores, std::int32_t* ids, std::size_t room, float score, std::int32_t id) {
    scores[0] = score;
    ids[0] = id;
    for (std::size_t place = 0;;) {
      std::size_t worst = place;
      for (std::size_t child = 2 * place + 1; child <= 2 * place + 2 && child < room; ++child) {
        if (farther(scores, ids, child, worst)) worst = child;
      }
      if (worst == place) return;
      swap_places(scores, ids, place, worst);
      place = worst;
    }
  }

  /// The scores of one panel for the query of this thread. One that is not finite passes for the best: the query may then be looked at
  /// in full.
  SMTRAIN_BOTH void take(Registers& r, const float* scores, std::size_t list, std::size_t first_row) const {
    float* own_scores = a.list_scores + list * a.room;
    std::int32_t* own_ids = a.list_ids + list * a.room;
    for (int j = 0; j < kColumns; ++j) {
      const std::size_t row = first_row + static_cast<std::size_t>(j);
      if (row >= a.rows) return;
      const bool full = r.held == a.room;
      const float score = fabsf(scores[j]) <= 3e38f ? scores[j] : INFINITY;
      if (full && score <= r.worst) continue;
      if (full) replace_top(own_scores, own_ids, a.room, score, static_cast<std::int32_t>(row));
      else push(own_scores, own_ids, r.held++, score, static_cast<std::int32_t>(row));
      r.worst = own_scores[0];
    }
  }

  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared& shared, std::size_t index) const {
    const std::size_t first_query = index / a.parts * kQueries, part = index % a.parts;
    const std::size_t panels = ceil_div(a.rows, static_cast<std::size_t>(kColumns)),
                      steps = ceil_div(a.d, static_cast<std::size_t>(Tile::kDepth));
    const std::size_t begin = panels * part / a.parts, end = panels * (part + 1) / a.parts;
    block.phase([&](int, Registers& r) {
      r.held = 0;
      r.worst = INFINITY;
    });
    for (std::size_t panel = begin; panel < end; ++panel) {
      block.phase([&](int t, Registers& r) {
        fetch(t, r.tile, first_query, panel * kColumns, 0);
        Tile::put(t, r.tile, shared, 0);
        start(t, r.tile, first_query, panel * kColumns);
      });
      int buffer = 0;
      for (std::size_t step = 0; step < steps; ++step) {
        const bool last = step + 1 == steps;
        block.phase([&](int t, Registers& r) {
          if (!last) fetch(t, r.tile, first_query, panel * kColumns, (step + 1) * Tile::kDepth);
          Tile::multiply(t, r.tile, shared, buffer);
          if (!last) Tile::put(t, r.tile, shared, 1 - buffer);
        });
        buffer = 1 - buffer;
      }
      block.phase([&](int t, Registers& r) {
        for (int i = 0; i < kRowsDown; ++i)
          for (int j = 0; j < kColumnsEach; ++j) shared.scores[Tile::row_of(t, i)][Tile::column_of(t, j)] = r.tile.acc[i][j];
      });
      block.phase([&](int t, Registers& r) {
        const std::size_t query = first_query + static_cast<std::size_t>(t);
        if (t < kQueries && query < a.n) take(r, shared.scores[t], part * a.n + query, panel * kColumns);
      });
    }
    block.phase([&](int t, Registers& r) {
      const std::size_t query = first_query + static_cast<std::size_t>(t);
      if (t < kQueries && query < a.n) a.held[part * a.n + query] = r.held;
    });
  }
};

/// The best of a query's lists, compared directly; and whether a row outside of them could be as near. A block per query.
struct SearchFinish {
  static constexpr int kThreads = 128, kBlocksPerProcessor = 1;
  struct Shared {
    double kth;
  };
  using Registers = Nothing;

  SearchArguments a;

  std::size_t blocks() const { return a.n; }

  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared& shared, std::size_t query) const {
    const std::size_t all = a.parts * a.room;
    double* keys = a.keys + query * all;
    const auto list = [&](std::size_t i) { return i / a.room * a.n + query; };
    const auto there = [&](std::size_t i) { return i % a.room < a.held[list(i)]; };
    const auto id = [&](std::size_t i) { return a.list_ids[list(i) * a.room + i % a.room]; };
    block.phase([&](int t, Registers&) {
      for (std::size_t i = static_cast<std::size_t>(t); i < all; i += kThreads) {
        if (there(i)) keys[i] = a.key(query, static_cast<std::size_t>(id(i)));
      }
    });
    block.phase([&](int t, Registers&) {
      for (std::size_t i = static_cast<std::size_t>(t); i < all; i += kThreads) {
        if (!there(i)) continue;
        std::size_t rank = 0;
        for (std::size_t j = 0; j < all; ++j) rank += there(j) && nearer(keys[j], id(j), keys[i], id(i)) ? 1 : 0;
        if (rank >= a.k) continue;
        a.ids[query * a.ld_ids + rank] = id(i);
        a.scores[query * a.ld_scores + rank] = a.score_of(keys[i]);
        if (rank + 1 == a.k) shared.kth = keys[i];
      }
    });
    block.phase([&](int t, Registers&) {
      if (t != 0) return;
      const float needed = a.threshold(query, shared.kth);
      bool sure = true;
      for (std::size_t p = 0; p < a.parts; ++p) {
        const std::size_t own = p * a.n + query;
        if (a.held[own] == a.room && !(a.list_scores[own * a.room] < needed)) sure = false;
      }
      a.unsure[query] = sure ? 0 : 1;
    });
  }
};

/// Every row compared directly, for the queries that are not sure of their lists. A block per query.
struct SearchAll {
  static constexpr int kThreads = 256, kBlocksPerProcessor = 1;
  struct Shared {
    double keys[kThreads];
  };
  using Registers = Nothing;

  SearchArguments a;

  std::size_t blocks() const { return a.n; }

  /// Into the k best so far, which are in order.
  SMTRAIN_BOTH void take(std::size_t query, std::size_t held, double key, std::int32_t id) const {
    double* keys = a.keys + query * a.parts * a.room;
    std::int32_t* ids = a.ids + query * a.ld_ids;
    if (held == a.k && !nearer(key, id, keys[a.k - 1], ids[a.k - 1])) return;
    std::size_t at = held == a.k ? a.k - 1 : held;
    for (; at > 0 && nearer(key, id, keys[at - 1], ids[at - 1]); --at) {
      keys[at] = keys[at - 1];
      ids[at] = ids[at - 1];
    }
    keys[at] = key;
    ids[at] = id;
  }

  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared& shared, std::size_t query) const {
    if (a.unsure[query] == 0) return;
    for (std::size_t first = 0; first < a.rows; first += kThreads) {
      block.phase([&](int t, Registers&) {
        const std::size_t row = first + static_cast<std::size_t>(t);
        if (row < a.rows) shared.keys[t] = a.key(query, row);
      });
      block.phase([&](int t, Registers&) {
        if (t != 0) return;
        for (std::size_t i = 0; i < kThreads && first + i < a.rows; ++i) {
          const std::size_t before = first + i;
          take(query, before < a.k ? before : a.k, shared.keys[i], static_cast<std::int32_t>(before));
        }
      });
    }
    block.phase([&](int t, Registers&) {
      const double* keys = a.keys + query * a.parts * a.room;
      for (std::size_t i = static_cast<std::size_t>(t); i < a.k; i += kThreads) a.scores[query * a.ld_scores + i] = a.score_of(keys[i]);
    });
  }
};

}  // namespace smtrain::gpu
