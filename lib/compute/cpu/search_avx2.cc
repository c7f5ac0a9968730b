// AVX2 and FMA: 6 queries x 16 rows in 12 of the 16 registers. Compiled for AVX2; see search_kernels.h for what it may include.
#if defined(__x86_64__)
#include <immintrin.h>

#include "search_tile.h"

namespace smtrain::compute {
namespace {

struct Avx2 {
  using V = __m256;
  using W64 = __m256d;
  static constexpr std::size_t kLanes = 8, kLanes64 = 4, kBlockRows = 60;
  static constexpr int kRows = 6, kPanel = 2;

  static V load(const float* p) { return _mm256_loadu_ps(p); }
  static void store(float* p, V v) { _mm256_storeu_ps(p, v); }
  static V broadcast(const float* p) { return _mm256_broadcast_ss(p); }
  static V fma(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
  static unsigned not_below(V v, V threshold) {
    return static_cast<unsigned>(_mm256_movemask_ps(_mm256_cmp_ps(v, threshold, _CMP_NLT_UQ)));
  }

  static W64 zero64() { return _mm256_setzero_pd(); }
  static W64 add_square64(const float* a, const float* b, W64 sum) {
    const W64 u = _mm256_sub_pd(_mm256_cvtps_pd(_mm_loadu_ps(a)), _mm256_cvtps_pd(_mm_loadu_ps(b)));
    return _mm256_fmadd_pd(u, u, sum);
  }
  static W64 add_product64(const float* a, const float* b, W64 sum) {
    return _mm256_fmadd_pd(_mm256_cvtps_pd(_mm_loadu_ps(a)), _mm256_cvtps_pd(_mm_loadu_ps(b)), sum);
  }
  static double sum64(W64 a, W64 b, W64 c, W64 d) {
    const W64 all = _mm256_add_pd(_mm256_add_pd(a, b), _mm256_add_pd(c, d));
    const __m128d half = _mm_add_pd(_mm256_castpd256_pd128(all), _mm256_extractf128_pd(all, 1));
    return _mm_cvtsd_f64(_mm_add_sd(half, _mm_unpackhi_pd(half, half)));
  }
};

}  // namespace

constinit const SearchKernels kSearchAvx2 = SearchTile<Avx2>::table("avx2");

}  // namespace smtrain::compute
#endif
