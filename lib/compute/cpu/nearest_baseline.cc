// The kernels for any CPU: vectors of four floats, which every 64-bit target has. Multiply and add round separately.
#include <cstring>

#include "nearest_tile.h"

namespace smtrain::compute {
namespace {

struct Baseline {
  typedef float V __attribute__((vector_size(16)));
  typedef std::int32_t I __attribute__((vector_size(16)));
  static constexpr std::size_t kLanes = 4;
  static constexpr int kRows = 4, kPanel = 2, kNarrow = 6;
  static constexpr std::size_t kBlockRows = 64;

  static V zero() { return V{}; }
  static V load(const float* p) {
    V v;
    std::memcpy(&v, p, sizeof v);
    return v;
  }
  static V load_part(const float* p, std::size_t count) {
    V v{};
    std::memcpy(&v, p, count * sizeof(float));
    return v;
  }
  static void store(float* p, V v) { std::memcpy(p, &v, sizeof v); }
  static I load_index(const std::int32_t* p) {
    I v;
    std::memcpy(&v, p, sizeof v);
    return v;
  }
  static void store_index(std::int32_t* p, I v) { std::memcpy(p, &v, sizeof v); }
  static V broadcast(const float* p) { return V{*p, *p, *p, *p}; }
  static V fma(V a, V b, V c) { return a * b + c; }
  static V add(V a, V b) { return a + b; }
  static V subtract(V a, V b) { return a - b; }
  static I indices(std::int32_t first) { return I{first, first + 1, first + 2, first + 3}; }
  static void take_greater(V v, I id, V& best, I& at) {
    const I greater = v > best;
    best = greater ? v : best;
    at = greater ? id : at;
  }
  static void add_scaled(double w, const float* x, double* to) {
    for (std::size_t l = 0; l < kLanes; ++l) to[l] += w * static_cast<double>(x[l]);
  }
  static std::int32_t winner(const float* score, const std::int32_t* index) {
    float top = score[0];
    std::int32_t id = index[0];
    for (std::size_t i = 1; i < kLanes; ++i) {
      if (score[i] > top || (score[i] == top && index[i] < id)) {
        top = score[i];
        id = index[i];
      }
    }
    return id;
  }
  static std::int32_t first_greatest(const float* dots, const float* bias) {
    float top = dots[0] + bias[0];
    std::int32_t id = 0;
    for (std::int32_t i = 1; i < 12; ++i) {
      const float v = dots[i] + bias[i];
      if (v > top) {
        top = v;
        id = i;
      }
    }
    return id;
  }
  /// out[i] = the sum of the lanes of a[i].
  static void sums(const V* a, float* out) {
    for (int i = 0; i < 16; ++i) out[i] = (a[i][0] + a[i][2]) + (a[i][1] + a[i][3]);
  }
};

}  // namespace

constinit const NearestKernels kNearestBaseline = Tile<Baseline>::table("baseline");

}  // namespace smtrain::compute
