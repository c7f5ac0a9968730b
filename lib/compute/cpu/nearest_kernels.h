// The table of kernels behind nearest, nearest_sum and min_distance: one per instruction set, plain pointers and sizes.
//
// This header and nearest_tile.h are all that the sources of one instruction set include: an inline function of a common
// header compiled there could be the copy the linker keeps for everyone, and would then need that instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

namespace smtrain::compute {

/// Centres laid out for one kernel table. Two layouts, chosen by (k, d) alone:
///  - wide: lanes run over centres. Panel p of w = panels[p] vectors holds, for each dimension, w * lanes centres.
///  - narrow: lanes run over dimensions, for few centres. Block p of w = panels[p] centres holds, for each step of `lanes`
///    dimensions, w vectors. What is beyond d is zero.
struct CentersView {
  std::size_t k = 0, d = 0;
  bool narrow = false;
  const float* packed = nullptr;
  const float* bias = nullptr;  ///< -|c|^2 / 2, then -inf up to the end of the last panel and at least 16 numbers
  const std::uint8_t* panels = nullptr;
  std::size_t panel_count = 0;
  const float* rows = nullptr;  ///< (k, ld) row-major, zero beyond d; ld a multiple of 16
  std::size_t ld = 0;
};

/// block_rows of every table is at most this.
constexpr std::size_t kMostBlockRows = 64;

struct NearestKernels {
  const char* name;
  std::size_t lanes;           ///< floats per vector
  std::size_t panel_vectors;   ///< the widest panel, in vectors
  std::size_t narrow_centers;  ///< the widest narrow block
  std::size_t block_rows;      ///< the most rows that `nearest` takes at once: a multiple of its register tile

  /// ids of the nearest centre for `n` <= block_rows rows. Every row runs the same arithmetic wherever it stands.
  void (*nearest)(const CentersView& c, const float* x, std::size_t ldx, std::size_t n, std::int32_t* ids);
  /// out[i] = |x_i - c(ids[i])|^2, directly.
  void (*distances)(const CentersView& c, const float* x, std::size_t ldx, std::size_t n, const std::int32_t* ids, float* out);
  /// d2[i] = min(d2[i], |x_i - c|^2); the bits of `distances`. `c` has d numbers.
  void (*min_distance)(const float* c, std::size_t d, const float* x, std::size_t ldx, std::size_t n, float* d2);
  /// sums[slots[i]] += w_i x_i in rows of ld numbers; weights may be null (all one).
  void (*accumulate)(const float* x, std::size_t ldx, std::size_t n, std::size_t d, const float* weights,
                     const std::uint32_t* slots, double* sums, std::size_t ld);
  /// to[i] += from[i].
  void (*add)(const double* from, std::size_t n, double* to);
};

extern const NearestKernels kNearestBaseline;
#if defined(__x86_64__)
extern const NearestKernels kNearestAvx2;
extern const NearestKernels kNearestAvx512;
#endif

}  // namespace smtrain::compute
