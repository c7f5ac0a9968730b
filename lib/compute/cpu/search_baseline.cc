// The kernels for any CPU: vectors of four floats, which every 64-bit target has. Multiply and add round separately.
#include <cstring>

#include "search_tile.h"

namespace smtrain::compute {
namespace {

struct Baseline {
  typedef float V __attribute__((vector_size(16)));
  typedef double W64 __attribute__((vector_size(16)));
  typedef std::int32_t I __attribute__((vector_size(16)));
  static constexpr std::size_t kLanes = 4, kLanes64 = 2, kBlockRows = 64;
  static constexpr int kRows = 4, kPanel = 2;

  static V load(const float* p) {
    V v;
    std::memcpy(&v, p, sizeof v);
    return v;
  }
  static void store(float* p, V v) { std::memcpy(p, &v, sizeof v); }
  static V broadcast(const float* p) { return V{*p, *p, *p, *p}; }
  static V fma(V a, V b, V c) { return a * b + c; }
  static unsigned not_below(V v, V threshold) {
    const I below = v < threshold;
    return (below[0] == 0 ? 1u : 0u) | (below[1] == 0 ? 2u : 0u) | (below[2] == 0 ? 4u : 0u) | (below[3] == 0 ? 8u : 0u);
  }

  static W64 zero64() { return W64{}; }
  static W64 load64(const float* p) { return W64{static_cast<double>(p[0]), static_cast<double>(p[1])}; }
  static W64 add_square64(const float* a, const float* b, W64 sum) {
    const W64 u = load64(a) - load64(b);
    return u * u + sum;
  }
  static W64 add_product64(const float* a, const float* b, W64 sum) { return load64(a) * load64(b) + sum; }
  static double sum64(W64 a, W64 b, W64 c, W64 d) {
    const W64 all = (a + b) + (c + d);
    return all[0] + all[1];
  }
};

}  // namespace

constinit const SearchKernels kSearchBaseline = SearchTile<Baseline>::table("baseline");

}  // namespace smtrain::compute
