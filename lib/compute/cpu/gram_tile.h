// The kernel of gram_kernels.h over tiles of S::kRows columns of a and S::kVectors vectors of b, which stay in registers while all rows
// go by. Everything here is local to the including source and the instruction set it is compiled for.
#pragma once

#include "gram_kernels.h"

#define SMTRAIN_UNROLL _Pragma("GCC unroll 16")

namespace smtrain::compute {
namespace {

template <class S>
constexpr std::size_t kStrip = S::kLanes * S::kVectors;

template <class S>
void add_tile(const double* a, const double* b, std::size_t rows, double* to, std::size_t ld) {
  typename S::V sums[S::kRows][S::kVectors];
  SMTRAIN_UNROLL for (int i = 0; i < S::kRows; ++i) {
    SMTRAIN_UNROLL for (int v = 0; v < S::kVectors; ++v) sums[i][v] = S::zero();
  }
  for (std::size_t r = 0; r < rows; ++r, a += kStrip<S>, b += kStrip<S>) {
    typename S::V y[S::kVectors];
    SMTRAIN_UNROLL for (int v = 0; v < S::kVectors; ++v) y[v] = S::load(b + v * S::kLanes);
    SMTRAIN_UNROLL for (int i = 0; i < S::kRows; ++i) {
      const typename S::V x = S::broadcast(a[i]);
      SMTRAIN_UNROLL for (int v = 0; v < S::kVectors; ++v) sums[i][v] = S::fma(x, y[v], sums[i][v]);
    }
  }
  SMTRAIN_UNROLL for (int i = 0; i < S::kRows; ++i, to += ld) {
    SMTRAIN_UNROLL for (int v = 0; v < S::kVectors; ++v) S::store(to + v * S::kLanes, S::add(S::load(to + v * S::kLanes), sums[i][v]));
  }
}

template <class S>
void add_product(const double* a, const double* b, std::size_t rows, double* to, std::size_t ld) {
  static_assert(kStrip<S> % S::kRows == 0 && kStrip<S> <= kMostStrip);
  for (std::size_t i = 0; i < kStrip<S>; i += S::kRows) add_tile<S>(a + i, b, rows, to + i * ld, ld);
}

}  // namespace
}  // namespace smtrain::compute
