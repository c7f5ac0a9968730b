// AVX-512: 8 rows x 48 centres in 24 of the 32 registers. Compiled for AVX-512; see nearest_kernels.h for what it may include.
#if defined(__x86_64__)
// g++ 12 warns of the deliberately undefined registers inside its own intrinsics (gcc bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>

#include "nearest_tile.h"

namespace smtrain::compute {
namespace {

struct Avx512 {
  using V = __m512;
  using I = __m512i;
  static constexpr std::size_t kLanes = 16;
  static constexpr int kRows = 8, kPanel = 3, kNarrow = 12;
  static constexpr std::size_t kBlockRows = 64;

  static V zero() { return _mm512_setzero_ps(); }
  static V load(const float* p) { return _mm512_loadu_ps(p); }
  static V load_part(const float* p, std::size_t count) {
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1u), p);
  }
  static void store(float* p, V v) { _mm512_storeu_ps(p, v); }
  static I load_index(const std::int32_t* p) { return _mm512_loadu_si512(p); }
  static void store_index(std::int32_t* p, I v) { _mm512_storeu_si512(p, v); }
  static V broadcast(const float* p) { return _mm512_set1_ps(*p); }
  static V fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
  static V add(V a, V b) { return _mm512_add_ps(a, b); }
  static V subtract(V a, V b) { return _mm512_sub_ps(a, b); }
  static I indices(std::int32_t first) {
    return _mm512_add_epi32(_mm512_set1_epi32(first), _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  }
  static void take_greater(V v, I id, V& best, I& at) {
    const __mmask16 greater = _mm512_cmp_ps_mask(v, best, _CMP_GT_OQ);
    best = _mm512_mask_mov_ps(best, greater, v);
    at = _mm512_mask_mov_epi32(at, greater, id);
  }
  static void add_scaled(double w, const float* x, double* to) {
    const __m512d scale = _mm512_set1_pd(w);
    const __m512d low = _mm512_cvtps_pd(_mm256_loadu_ps(x)), high = _mm512_cvtps_pd(_mm256_loadu_ps(x + 8));
    _mm512_storeu_pd(to, _mm512_fmadd_pd(scale, low, _mm512_loadu_pd(to)));
    _mm512_storeu_pd(to + 8, _mm512_fmadd_pd(scale, high, _mm512_loadu_pd(to + 8)));
  }
  static std::int32_t winner(const float* score, const std::int32_t* index) {
    const V v = load(score);
    const __mmask16 top = _mm512_cmp_ps_mask(v, _mm512_set1_ps(_mm512_reduce_max_ps(v)), _CMP_EQ_OQ);
    return _mm512_mask_reduce_min_epi32(top, load_index(index));
  }
  static std::int32_t first_greatest(const float* dots, const float* bias) {
    const V v = _mm512_add_ps(load(dots), load(bias));
    const __mmask16 top = _mm512_cmp_ps_mask(v, _mm512_set1_ps(_mm512_reduce_max_ps(v)), _CMP_EQ_OQ);
    return top == 0 ? 0 : __builtin_ctz(top);
  }
  /// out[i] = the sum of the lanes of a[i], by halves: 16 vectors become one.
  static void sums(const V* a, float* out) {
    V b[8], c[4];
    SMTRAIN_UNROLL for (int i = 0; i < 8; ++i) {
      b[i] = add(_mm512_shuffle_f32x4(a[i], a[i + 8], 0x44), _mm512_shuffle_f32x4(a[i], a[i + 8], 0xEE));
    }
    SMTRAIN_UNROLL for (int i = 0; i < 4; ++i) {
      c[i] = add(_mm512_shuffle_f32x4(b[i], b[i + 4], 0x88), _mm512_shuffle_f32x4(b[i], b[i + 4], 0xDD));
    }
    const V d0 = add(_mm512_unpacklo_ps(c[0], c[1]), _mm512_unpackhi_ps(c[0], c[1]));
    const V d1 = add(_mm512_unpacklo_ps(c[2], c[3]), _mm512_unpackhi_ps(c[2], c[3]));
    const V e = add(_mm512_shuffle_ps(d0, d1, 0x44), _mm512_shuffle_ps(d0, d1, 0xEE));
    store(out, _mm512_shuffle_f32x4(e, e, 0xD8));  // quarters hold 0-3, 8-11, 4-7, 12-15
  }
};

}  // namespace

constinit const NearestKernels kNearestAvx512 = Tile<Avx512>::table("avx512");

}  // namespace smtrain::compute
#endif
