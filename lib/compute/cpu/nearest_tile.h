// The kernels of nearest_kernels.h over an abstract vector type S. Everything is in an unnamed namespace, so that each
// instruction set keeps its own copy.
//
// The score of a centre is x.c - |c|^2 / 2, and the nearest centre has the greatest. The wide form keeps a tile of
// S::kRows rows x W vectors of centres in registers over all dimensions, starting at -|c|^2 / 2, then merges it lane by lane
// into the best score and index of each row; ">" keeps the earlier index, and panels come in ascending order, so that ties
// go to the lowest one. The narrow form keeps two rows x C centres with lanes along d. float32 with fused multiply-add
// where the instruction set has it.
#pragma once

#include "nearest_kernels.h"

#define SMTRAIN_UNROLL _Pragma("GCC unroll 16")

namespace smtrain::compute {
namespace {

template <class S>
struct Tile {
  using V = typename S::V;
  using I = typename S::I;
  static constexpr std::size_t L = S::kLanes;
  static constexpr int R = S::kRows;

  /// Best score and its index so far, per row and lane.
  struct Best {
    alignas(64) float score[S::kBlockRows * L];
    alignas(64) std::int32_t index[S::kBlockRows * L];
  };
  static_assert(S::kBlockRows % R == 0 && S::kBlockRows <= kMostBlockRows);

  template <int W>
  static inline void tile(const float* const* x, std::size_t d, const float* panel, const float* bias, std::size_t first,
                          float* score, std::int32_t* index) {
    V acc[R][W];
    SMTRAIN_UNROLL for (int w = 0; w < W; ++w) {
      const V start = S::load(bias + w * L);
      SMTRAIN_UNROLL for (int r = 0; r < R; ++r) acc[r][w] = start;
    }
    for (std::size_t j = 0; j < d; ++j, panel += W * L) {
      V c[W];
      SMTRAIN_UNROLL for (int w = 0; w < W; ++w) c[w] = S::load(panel + w * L);
      SMTRAIN_UNROLL for (int r = 0; r < R; ++r) {
        const V b = S::broadcast(x[r] + j);
        SMTRAIN_UNROLL for (int w = 0; w < W; ++w) acc[r][w] = S::fma(b, c[w], acc[r][w]);
      }
    }
    I ids[W];
    SMTRAIN_UNROLL for (int w = 0; w < W; ++w) ids[w] = S::indices(static_cast<std::int32_t>(first + w * L));
    SMTRAIN_UNROLL for (int r = 0; r < R; ++r) {
      V best = S::load(score + r * L);
      I at = S::load_index(index + r * L);
      SMTRAIN_UNROLL for (int w = 0; w < W; ++w) S::take_greater(acc[r][w], ids[w], best, at);
      S::store(score + r * L, best);
      S::store_index(index + r * L, at);
    }
  }

  /// One panel against all rows of the block. Rows past the end repeat the last one; their results are not looked at.
  template <int W>
  static void panel(const CentersView& c, const float* packed, std::size_t first, const float* x, std::size_t ldx,
                    std::size_t n, Best& best) {
    for (std::size_t i = 0; i < n; i += R) {
      const float* rows[R];
      for (int r = 0; r < R; ++r) rows[r] = x + (i + r < n ? i + r : n - 1) * ldx;
      tile<W>(rows, c.d, packed, c.bias + first, first, best.score + i * L, best.index + i * L);
    }
  }

  static void wide(const CentersView& c, const float* x, std::size_t ldx, std::size_t n, std::int32_t* ids) {
    Best best;
    const std::size_t used = (n + R - 1) / R * R * L;
    for (std::size_t i = 0; i < used; ++i) best.score[i] = -__builtin_inff(), best.index[i] = 0;
    const float* packed = c.packed;
    std::size_t first = 0;
    for (std::size_t p = 0; p < c.panel_count; ++p) {
      const std::size_t w = c.panels[p];
      if (w == 1) panel<1>(c, packed, first, x, ldx, n, best);
      if (w == 2) panel<2>(c, packed, first, x, ldx, n, best);
      if constexpr (S::kPanel >= 3) {
        if (w == 3) panel<3>(c, packed, first, x, ldx, n, best);
      }
      packed += w * L * c.d;
      first += w * L;
    }
    for (std::size_t i = 0; i < n; ++i) ids[i] = S::winner(best.score + i * L, best.index + i * L);
  }

  /// The narrow form asks for rows so far ahead: its blocks of rows interrupt the processor's own prefetching.
  static constexpr std::size_t kAheadRows = 16;
  /// Asks for the cache line `ahead` bytes behind p, which may lie past the end of the rows.
  static inline void prefetch(const float* p, std::size_t ahead) {
    __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(p) + ahead), 0, 2);
  }

  template <int C>
  static inline void narrow_pair(const float* packed, std::size_t d, const float* x0, const float* x1, std::size_t ahead,
                                 float* dots0, float* dots1) {
    V a[16], b[16];
    SMTRAIN_UNROLL for (int k = 0; k < 16; ++k) a[k] = b[k] = S::zero();
    std::size_t j = 0;
    for (; j + L <= d; j += L, packed += C * L) {
      const V u = S::load(x0 + j), v = S::load(x1 + j);
      prefetch(x0 + j, ahead);
      prefetch(x1 + j, ahead);
      SMTRAIN_UNROLL for (int k = 0; k < C; ++k) {
        const V c = S::load(packed + k * L);
        a[k] = S::fma(u, c, a[k]);
        b[k] = S::fma(v, c, b[k]);
      }
    }
    if (j < d) {
      const V u = S::load_part(x0 + j, d - j), v = S::load_part(x1 + j, d - j);
      SMTRAIN_UNROLL for (int k = 0; k < C; ++k) {
        const V c = S::load(packed + k * L);
        a[k] = S::fma(u, c, a[k]);
        b[k] = S::fma(v, c, b[k]);
      }
    }
    S::sums(a, dots0);
    S::sums(b, dots1);
  }

  template <int C>
  static void narrow_block(std::size_t width, const float* packed, std::size_t d, const float* x0, const float* x1,
                           std::size_t ahead, float* dots0, float* dots1) {
    if (width == C) return narrow_pair<C>(packed, d, x0, x1, ahead, dots0, dots1);
    if constexpr (C > 1) narrow_block<C - 1>(width, packed, d, x0, x1, ahead, dots0, dots1);
  }

  static void narrow(const CentersView& c, const float* x, std::size_t ldx, std::size_t n, std::int32_t* ids) {
    const std::size_t steps = (c.d + L - 1) / L;
    for (std::size_t i = 0; i < n; i += 2) {
      const float* x0 = x + i * ldx;
      const float* x1 = i + 1 < n ? x0 + ldx : x0;
      alignas(64) float dots[2][32];
      const float* packed = c.packed;
      std::size_t first = 0;
      for (std::size_t p = 0; p < c.panel_count; ++p) {
        narrow_block<S::kNarrow>(c.panels[p], packed, c.d, x0, x1, kAheadRows * ldx * sizeof(float), dots[0] + first, dots[1] + first);
        first += c.panels[p];
        packed += c.panels[p] * L * steps;
      }
      ids[i] = S::first_greatest(dots[0], c.bias);
      if (i + 1 < n) ids[i + 1] = S::first_greatest(dots[1], c.bias);
    }
  }

  static void nearest(const CentersView& c, const float* x, std::size_t ldx, std::size_t n, std::int32_t* ids) {
    c.narrow ? narrow(c, x, ldx, n, ids) : wide(c, x, ldx, n, ids);
  }

  /// Lanes of |x - c|^2; two sums, since one chain would wait for its own additions.
  static inline V square(const float* x, const float* c, std::size_t c_step, std::size_t d) {
    V even = S::zero(), odd = S::zero();
    std::size_t j = 0;
    for (; j + 2 * L <= d; j += 2 * L, c += 2 * c_step) {
      const V u = S::subtract(S::load(x + j), S::load(c));
      const V v = S::subtract(S::load(x + j + L), S::load(c + c_step));
      even = S::fma(u, u, even);
      odd = S::fma(v, v, odd);
    }
    if (j + L <= d) {
      const V u = S::subtract(S::load(x + j), S::load(c));
      even = S::fma(u, u, even);
      j += L;
      c += c_step;
    }
    if (j < d) {
      const V u = S::subtract(S::load_part(x + j, d - j), S::load_part(c, d - j));
      odd = S::fma(u, u, odd);
    }
    return S::add(even, odd);
  }

  struct Place {
    const float* at;
    std::size_t step;
  };
  /// Where centre `id` lies: in the narrow layout among the vectors that the search has just read.
  static inline Place place(const CentersView& c, std::size_t id) {
    if (!c.narrow) return {c.rows + id * c.ld, L};
    const std::size_t steps = (c.d + L - 1) / L;
    const float* packed = c.packed;
    std::size_t p = 0;
    for (; id >= c.panels[p]; ++p) {
      id -= c.panels[p];
      packed += c.panels[p] * L * steps;
    }
    return {packed + id * L, c.panels[p] * L};
  }

  static void distances(const CentersView& c, const float* x, std::size_t ldx, std::size_t n, const std::int32_t* ids,
                        float* out) {
    for (std::size_t i = 0; i < n; i += 16) {
      const std::size_t rows = n - i < 16 ? n - i : 16;
      V lanes[16];
      for (std::size_t r = 0; r < 16; ++r) lanes[r] = S::zero();
      for (std::size_t r = 0; r < rows; ++r) {
        const Place to = place(c, static_cast<std::size_t>(ids[i + r]));
        lanes[r] = square(x + (i + r) * ldx, to.at, to.step, c.d);
      }
      alignas(64) float sums[16];
      S::sums(lanes, sums);
      for (std::size_t r = 0; r < rows; ++r) out[i + r] = sums[r];
    }
  }

  static void min_distance(const float* c, std::size_t d, const float* x, std::size_t ldx, std::size_t n, float* d2) {
    for (std::size_t i = 0; i < n; i += 16) {
      const std::size_t rows = n - i < 16 ? n - i : 16;
      V lanes[16];
      for (std::size_t r = 0; r < 16; ++r) lanes[r] = S::zero();
      for (std::size_t r = 0; r < rows; ++r) lanes[r] = square(x + (i + r) * ldx, c, L, d);
      alignas(64) float sums[16];
      S::sums(lanes, sums);
      for (std::size_t r = 0; r < rows; ++r) d2[i + r] = sums[r] < d2[i + r] ? sums[r] : d2[i + r];
    }
  }

  /// The product of two float32 is exact in float64, so that a fused multiply-add gives the bits of a separate one.
  static void accumulate(const float* x, std::size_t ldx, std::size_t n, std::size_t d, const float* weights,
                         const std::uint32_t* slots, double* sums, std::size_t ld) {
    for (std::size_t i = 0; i < n; ++i) {
      const float* row = x + i * ldx;
      double* to = sums + slots[i] * ld;
      const double w = weights == nullptr ? 1.0 : static_cast<double>(weights[i]);
      std::size_t j = 0;
      for (; j + 16 <= d; j += 16) {
        SMTRAIN_UNROLL for (std::size_t l = 0; l < 16; l += L) S::add_scaled(w, row + j + l, to + j + l);
      }
      for (; j < d; ++j) to[j] += w * static_cast<double>(row[j]);
    }
  }

  static void add(const double* __restrict from, std::size_t n, double* __restrict to) {
    for (std::size_t i = 0; i < n; ++i) to[i] += from[i];
  }

  static constexpr NearestKernels table(const char* name) {
    return {name, L, S::kPanel, S::kNarrow, S::kBlockRows, &nearest, &distances, &min_distance, &accumulate, &add};
  }
};

}  // namespace
}  // namespace smtrain::compute
