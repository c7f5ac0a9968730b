// The table of kernels behind factor_scores and factor_gradient: one per instruction set, plain pointers and sizes.
// As with nearest_kernels.h, this header and factor_tile.h are all that the sources of one instruction set include.
#pragma once

#include <cstddef>
#include <cstdint>

namespace smtrain::compute {

struct FactorKernels {
  const char* name;
  /// One row x of a factorization machine: s (k) = sum_j x_j v_j, and the score without bias. Row j of p (…, ld) holds v_j (k) and
  /// w_j.
  float (*score)(const std::uint32_t* indices, const float* values, std::size_t count, const float* p, std::size_t ld, std::size_t k,
                 float* s);
  /// What rows r = rows[i] with x_r = values[i] add to the gradient g (k + 1) of feature (v, w):
  ///   g_v += sum_r delta_r x_r s_r - v sum_r delta_r x_r^2,  g_w += sum_r delta_r x_r.
  void (*gradient)(const std::uint32_t* rows, const float* values, std::size_t count, const float* delta, std::size_t ld_delta,
                   const float* s, std::size_t ld_s, const float* v, std::size_t k, float* g);
};

extern const FactorKernels kFactorBaseline;
#if defined(__x86_64__)
extern const FactorKernels kFactorAvx2;
extern const FactorKernels kFactorAvx512;
#endif

}  // namespace smtrain::compute
