// AVX2 and FMA: 6 rows x 16 centres in 12 of the 16 registers. Compiled for AVX2; see nearest_kernels.h for what it may include.
#if defined(__x86_64__)
#include <immintrin.h>

#include "nearest_tile.h"

namespace smtrain::compute {
namespace {

struct Avx2 {
  using V = __m256;
  using I = __m256i;
  static constexpr std::size_t kLanes = 8;
  static constexpr int kRows = 6, kPanel = 2, kNarrow = 6;
  static constexpr std::size_t kBlockRows = 60;

  static V zero() { return _mm256_setzero_ps(); }
  static V load(const float* p) { return _mm256_loadu_ps(p); }
  static V load_part(const float* p, std::size_t count) {
    const I lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_maskload_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), lane));
  }
  static void store(float* p, V v) { _mm256_storeu_ps(p, v); }
  static I load_index(const std::int32_t* p) { return _mm256_loadu_si256(reinterpret_cast<const I*>(p)); }
  static void store_index(std::int32_t* p, I v) { _mm256_storeu_si256(reinterpret_cast<I*>(p), v); }
  static V broadcast(const float* p) { return _mm256_broadcast_ss(p); }
  static V fma(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
  static V add(V a, V b) { return _mm256_add_ps(a, b); }
  static V subtract(V a, V b) { return _mm256_sub_ps(a, b); }
  static I indices(std::int32_t first) {
    return _mm256_add_epi32(_mm256_set1_epi32(first), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static void take_greater(V v, I id, V& best, I& at) {
    const V greater = _mm256_cmp_ps(v, best, _CMP_GT_OQ);
    best = _mm256_blendv_ps(best, v, greater);
    at = _mm256_blendv_epi8(at, id, _mm256_castps_si256(greater));
  }
  static void add_scaled(double w, const float* x, double* to) {
    const __m256d scale = _mm256_set1_pd(w);
    const __m256d low = _mm256_cvtps_pd(_mm_loadu_ps(x)), high = _mm256_cvtps_pd(_mm_loadu_ps(x + 4));
    _mm256_storeu_pd(to, _mm256_fmadd_pd(scale, low, _mm256_loadu_pd(to)));
    _mm256_storeu_pd(to + 4, _mm256_fmadd_pd(scale, high, _mm256_loadu_pd(to + 4)));
  }
  static std::int32_t winner(const float* score, const std::int32_t* index) {
    float top = score[0];
    std::int32_t id = index[0];
    for (std::size_t i = 1; i < kLanes; ++i) {
      const bool better = score[i] > top || (score[i] == top && index[i] < id);
      top = better ? score[i] : top;
      id = better ? index[i] : id;
    }
    return id;
  }
  static std::int32_t first_greatest(const float* dots, const float* bias) {
    float top = dots[0] + bias[0];
    std::int32_t id = 0;
    for (std::int32_t i = 1; i < 12; ++i) {
      const float v = dots[i] + bias[i];
      id = v > top ? i : id;
      top = v > top ? v : top;
    }
    return id;
  }
  static V sums_of_eight(const V* a) {
    const V b0 = _mm256_hadd_ps(_mm256_hadd_ps(a[0], a[1]), _mm256_hadd_ps(a[2], a[3]));
    const V b1 = _mm256_hadd_ps(_mm256_hadd_ps(a[4], a[5]), _mm256_hadd_ps(a[6], a[7]));
    return add(_mm256_permute2f128_ps(b0, b1, 0x20), _mm256_permute2f128_ps(b0, b1, 0x31));
  }
  /// out[i] = the sum of the lanes of a[i].
  static void sums(const V* a, float* out) {
    store(out, sums_of_eight(a));
    store(out + 8, sums_of_eight(a + 8));
  }
};

}  // namespace

constinit const NearestKernels kNearestAvx2 = Tile<Avx2>::table("avx2");

}  // namespace smtrain::compute
#endif
