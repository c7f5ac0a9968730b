// AVX-512: 8 x 24 sums in 24 of the 32 registers. See gram_kernels.h for what this may include.
#if defined(__x86_64__)
// g++ 12 warns of the deliberately undefined registers inside its own intrinsics (gcc bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>

#include "gram_tile.h"

namespace smtrain::compute {
namespace {

struct Avx512 {
  using V = __m512d;
  static constexpr int kLanes = 8, kVectors = 3, kRows = 8;
  static V zero() { return _mm512_setzero_pd(); }
  static V load(const double* p) { return _mm512_loadu_pd(p); }
  static void store(double* p, V v) { _mm512_storeu_pd(p, v); }
  static V broadcast(double x) { return _mm512_set1_pd(x); }
  static V fma(V a, V b, V c) { return _mm512_fmadd_pd(a, b, c); }
  static V add(V a, V b) { return _mm512_add_pd(a, b); }
};

}  // namespace

constinit const GramKernels kGramAvx512 = {"avx512", kStrip<Avx512>, add_product<Avx512>};

}  // namespace smtrain::compute
#endif
