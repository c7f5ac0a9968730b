// The kernels of search_kernels.h over an abstract vector type S; in an unnamed namespace, as those of nearest_tile.h.
//
// A tile of S::kRows queries x S::kPanel vectors of rows stays in registers over all numbers of a row, starting at the bias. What
// it holds is compared with the queries' thresholds there; hardly any score passes, so that hardly any is written.
#pragma once

#include "search_kernels.h"

#define SMTRAIN_UNROLL _Pragma("GCC unroll 16")

namespace smtrain::compute {
namespace {

template <class S>
struct SearchTile {
  using V = typename S::V;
  static constexpr std::size_t L = S::kLanes;
  static constexpr int R = S::kRows, W = S::kPanel;
  static constexpr std::size_t kPanelRows = L * W;
  static_assert(kPanelRows <= kMostPanelRows && S::kBlockRows <= kMostBlockQueries && S::kBlockRows % R == 0);

  static inline void tile(const float* panel, const float* bias, std::size_t width, std::int32_t first, const float* const* q,
                          const float* thresholds, std::size_t query, std::size_t count, const SearchHits& hits) {
    V acc[R][W];
    SMTRAIN_UNROLL for (int w = 0; w < W; ++w) {
      const V start = S::load(bias + w * L);
      SMTRAIN_UNROLL for (int r = 0; r < R; ++r) acc[r][w] = start;
    }
    for (std::size_t j = 0; j < width; ++j, panel += kPanelRows) {
      V c[W];
      SMTRAIN_UNROLL for (int w = 0; w < W; ++w) c[w] = S::load(panel + w * L);
      SMTRAIN_UNROLL for (int r = 0; r < R; ++r) {
        const V b = S::broadcast(q[r] + j);
        SMTRAIN_UNROLL for (int w = 0; w < W; ++w) acc[r][w] = S::fma(b, c[w], acc[r][w]);
      }
    }
    unsigned long long passed[R];
    SMTRAIN_UNROLL for (int r = 0; r < R; ++r) {
      const V threshold = S::broadcast(thresholds + r);
      passed[r] = 0;
      SMTRAIN_UNROLL for (int w = 0; w < W; ++w) {
        passed[r] |= static_cast<unsigned long long>(S::not_below(acc[r][w], threshold)) << (w * L);
      }
    }
    alignas(64) float scores[R][kPanelRows];
    unsigned long long any = 0;
    SMTRAIN_UNROLL for (int r = 0; r < R; ++r) any |= passed[r];
    if (any == 0) return;
    SMTRAIN_UNROLL for (int r = 0; r < R; ++r) {
      SMTRAIN_UNROLL for (int w = 0; w < W; ++w) S::store(scores[r] + w * L, acc[r][w]);
    }
    for (std::size_t r = 0; r < count; ++r) {
      const std::size_t base = (query + r) * hits.capacity;
      std::uint32_t at = hits.counts[query + r];
      for (unsigned long long left = passed[r]; left != 0; left &= left - 1, ++at) {
        const int lane = __builtin_ctzll(left);
        hits.ids[base + at] = first + lane;
        hits.scores[base + at] = scores[r][lane];
      }
      hits.counts[query + r] = at;
    }
  }

  static void scan(const float* panel, const float* bias, std::size_t width, std::int32_t first, const float* q, std::size_t ldq,
                   std::size_t n, const float* thresholds, const SearchHits& hits) {
    for (std::size_t i = 0; i < n; i += R) {
      const std::size_t count = n - i < static_cast<std::size_t>(R) ? n - i : static_cast<std::size_t>(R);
      const float* rows[R];
      float own[R];
      for (std::size_t r = 0; r < static_cast<std::size_t>(R); ++r) {
        const std::size_t from = r < count ? i + r : n - 1;
        rows[r] = q + from * ldq;
        own[r] = thresholds[from];
      }
      tile(panel, bias, width, first, rows, own, i, count, hits);
    }
  }

  /// Of float64 lanes, D at a time; four sums, since one chain would wait for its own additions.
  static double distance(const float* a, const float* b, std::size_t d, double limit) {
    using W64 = typename S::W64;
    constexpr std::size_t D = S::kLanes64, kStep = 4 * D, kLook = 256;
    W64 s0 = S::zero64(), s1 = S::zero64(), s2 = S::zero64(), s3 = S::zero64();
    std::size_t j = 0;
    for (std::size_t look = kLook; j + kStep <= d; j += kStep) {
      s0 = S::add_square64(a + j, b + j, s0);
      s1 = S::add_square64(a + j + D, b + j + D, s1);
      s2 = S::add_square64(a + j + 2 * D, b + j + 2 * D, s2);
      s3 = S::add_square64(a + j + 3 * D, b + j + 3 * D, s3);
      if (j + kStep < look) continue;
      look += kLook;
      const double part = S::sum64(s0, s1, s2, s3);
      if (part > limit) return part;
    }
    double sum = S::sum64(s0, s1, s2, s3);
    for (; j < d; ++j) {
      const double u = static_cast<double>(a[j]) - static_cast<double>(b[j]);
      sum += u * u;
    }
    return sum;
  }

  static double product(const float* a, const float* b, std::size_t d) {
    using W64 = typename S::W64;
    constexpr std::size_t D = S::kLanes64;
    W64 s0 = S::zero64(), s1 = S::zero64(), s2 = S::zero64(), s3 = S::zero64();
    std::size_t j = 0;
    for (; j + 4 * D <= d; j += 4 * D) {
      s0 = S::add_product64(a + j, b + j, s0);
      s1 = S::add_product64(a + j + D, b + j + D, s1);
      s2 = S::add_product64(a + j + 2 * D, b + j + 2 * D, s2);
      s3 = S::add_product64(a + j + 3 * D, b + j + 3 * D, s3);
    }
    double sum = S::sum64(s0, s1, s2, s3);
    for (; j < d; ++j) sum += static_cast<double>(a[j]) * static_cast<double>(b[j]);
    return sum;
  }

  static constexpr SearchKernels table(const char* name) { return {name, kPanelRows, S::kBlockRows, &scan, &distance, &product}; }
};

}  // namespace
}  // namespace smtrain::compute
