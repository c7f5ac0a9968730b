// For every CPU: vectors of two numbers. Multiply and add round separately. See gram_kernels.h for what this may include.
#include <cstring>

#include "gram_tile.h"

namespace smtrain::compute {
namespace {

struct Baseline {
  typedef double V __attribute__((vector_size(16)));
  static constexpr int kLanes = 2, kVectors = 2, kRows = 4;
  static V zero() { return V{}; }
  static V load(const double* p) {
    V v;
    std::memcpy(&v, p, sizeof v);
    return v;
  }
  static void store(double* p, V v) { std::memcpy(p, &v, sizeof v); }
  static V broadcast(double x) { return V{x, x}; }
  static V fma(V a, V b, V c) { return a * b + c; }
  static V add(V a, V b) { return a + b; }
};

}  // namespace

constinit const GramKernels kGramBaseline = {"baseline", kStrip<Baseline>, add_product<Baseline>};

}  // namespace smtrain::compute
