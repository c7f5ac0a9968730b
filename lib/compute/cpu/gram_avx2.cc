// AVX2 and FMA: 4 x 12 sums in 12 of the 16 registers. See gram_kernels.h for what this may include.
#if defined(__x86_64__)
#include <immintrin.h>

#include "gram_tile.h"

namespace smtrain::compute {
namespace {

struct Avx2 {
  using V = __m256d;
  static constexpr int kLanes = 4, kVectors = 3, kRows = 4;
  static V zero() { return _mm256_setzero_pd(); }
  static V load(const double* p) { return _mm256_loadu_pd(p); }
  static void store(double* p, V v) { _mm256_storeu_pd(p, v); }
  static V broadcast(double x) { return _mm256_set1_pd(x); }
  static V fma(V a, V b, V c) { return _mm256_fmadd_pd(a, b, c); }
  static V add(V a, V b) { return _mm256_add_pd(a, b); }
};

}  // namespace

constinit const GramKernels kGramAvx2 = {"avx2", kStrip<Avx2>, add_product<Avx2>};

}  // namespace smtrain::compute
#endif
