// AVX-512: 8 queries x 48 rows in 24 of the 32 registers. Compiled for AVX-512; see search_kernels.h for what it may include.
#if defined(__x86_64__)
// g++ 12 warns of the deliberately undefined registers inside its own intrinsics (gcc bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>

#include "search_tile.h"

namespace smtrain::compute {
namespace {

struct Avx512 {
  using V = __m512;
  using W64 = __m512d;
  static constexpr std::size_t kLanes = 16, kLanes64 = 8, kBlockRows = 64;
  static constexpr int kRows = 8, kPanel = 3;

  static V load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, V v) { _mm512_storeu_ps(p, v); }
  static V broadcast(const float* p) { return _mm512_set1_ps(*p); }
  static V fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
  static unsigned not_below(V v, V threshold) { return _mm512_cmp_ps_mask(v, threshold, _CMP_NLT_UQ); }

  static W64 zero64() { return _mm512_setzero_pd(); }
  static W64 add_square64(const float* a, const float* b, W64 sum) {
    const W64 u = _mm512_sub_pd(_mm512_cvtps_pd(_mm256_loadu_ps(a)), _mm512_cvtps_pd(_mm256_loadu_ps(b)));
    return _mm512_fmadd_pd(u, u, sum);
  }
  static W64 add_product64(const float* a, const float* b, W64 sum) {
    return _mm512_fmadd_pd(_mm512_cvtps_pd(_mm256_loadu_ps(a)), _mm512_cvtps_pd(_mm256_loadu_ps(b)), sum);
  }
  static double sum64(W64 a, W64 b, W64 c, W64 d) {
    return _mm512_reduce_add_pd(_mm512_add_pd(_mm512_add_pd(a, b), _mm512_add_pd(c, d)));
  }
};

}  // namespace

constinit const SearchKernels kSearchAvx512 = SearchTile<Avx512>::table("avx512");

}  // namespace smtrain::compute
#endif
