// The kernels of factor_kernels.h over vectors of `kLanes` factors, which stay in registers while a row's features, or a feature's
// rows, go by. Everything here is local to the including source and the instruction set it is compiled for.
#pragma once

#include "factor_kernels.h"

namespace smtrain::compute {
namespace {

template <int kLanes>
struct VectorOf {
  typedef float Type __attribute__((vector_size(kLanes * sizeof(float))));
  typedef float Unaligned __attribute__((vector_size(kLanes * sizeof(float)), aligned(sizeof(float)), may_alias));
};
template <int kLanes>
using Vector = typename VectorOf<kLanes>::Type;

template <int kLanes>
inline Vector<kLanes> load(const float* p) {
  return *reinterpret_cast<const typename VectorOf<kLanes>::Unaligned*>(p);
}
template <int kLanes>
inline void store(float* p, Vector<kLanes> v) {
  *reinterpret_cast<typename VectorOf<kLanes>::Unaligned*>(p) = v;
}
template <int kLanes>
inline float sum_of(Vector<kLanes> v) {
  float sum = 0;
  for (int i = 0; i < kLanes; ++i) sum += v[i];
  return sum;
}

struct Entries {
  const std::uint32_t* at;
  const float* values;
  std::size_t count;
};

/// s of kVectors * kLanes factors; returns sum_f (s_f^2 - sum_j (v_jf x_j)^2) of them. p begins at the first.
template <int kLanes, int kVectors>
inline float score_block(const Entries& x, const float* p, std::size_t ld, float* s) {
  Vector<kLanes> sums[kVectors] = {}, squares[kVectors] = {};
  for (std::size_t j = 0; j < x.count; ++j) {
    const float* v = p + x.at[j] * ld;
    for (int c = 0; c < kVectors; ++c) {
      const Vector<kLanes> term = load<kLanes>(v + c * kLanes) * x.values[j];
      sums[c] += term;
      squares[c] += term * term;
    }
  }
  Vector<kLanes> pairs = {};
  for (int c = 0; c < kVectors; ++c) {
    store<kLanes>(s + c * kLanes, sums[c]);
    pairs += sums[c] * sums[c] - squares[c];
  }
  return sum_of<kLanes>(pairs);
}

/// Calls use(block, first): blocks as wide as they go, so that `k` factors are covered from the left.
template <int kLanes, class Use>
inline void each_block(std::size_t k, const Use& use) {
  std::size_t f = 0;
  for (; k - f >= 4 * kLanes; f += 4 * kLanes) use.template operator()<kLanes, 4>(f);
  for (; k - f >= kLanes; f += kLanes) use.template operator()<kLanes, 1>(f);
  if constexpr (kLanes > 8) {
    if (k - f >= 8) use.template operator()<8, 1>(f), f += 8;
  }
  if constexpr (kLanes > 4) {
    if (k - f >= 4) use.template operator()<4, 1>(f), f += 4;
  }
  for (; f < k; ++f) use.template operator()<1, 1>(f);
}

template <int kLanes>
float score(const std::uint32_t* indices, const float* values, std::size_t count, const float* p, std::size_t ld, std::size_t k, float* s) {
  const Entries x{indices, values, count};
  float linear = 0, pairs = 0;
  for (std::size_t j = 0; j < count; ++j) linear += p[indices[j] * ld + k] * values[j];
  each_block<kLanes>(k, [&]<int kWidth, int kVectors>(std::size_t f) { pairs += score_block<kWidth, kVectors>(x, p + f, ld, s + f); });
  return linear + 0.5f * pairs;
}

/// g (kVectors * kLanes) += sum_r delta_r x_r s_r - v of_squares.
template <int kLanes, int kVectors>
inline void gradient_block(const Entries& x, const float* delta, std::size_t ld_delta, const float* s, std::size_t ld_s, const float* v,
                           float of_squares, float* g) {
  Vector<kLanes> sums[kVectors] = {};
  for (std::size_t i = 0; i < x.count; ++i) {
    const float scale = delta[x.at[i] * ld_delta] * x.values[i];
    const float* row = s + x.at[i] * ld_s;
    for (int c = 0; c < kVectors; ++c) sums[c] += load<kLanes>(row + c * kLanes) * scale;
  }
  for (int c = 0; c < kVectors; ++c) {
    const int at = c * kLanes;
    store<kLanes>(g + at, load<kLanes>(g + at) + (sums[c] - load<kLanes>(v + at) * of_squares));
  }
}

template <int kLanes>
void gradient(const std::uint32_t* rows, const float* values, std::size_t count, const float* delta, std::size_t ld_delta, const float* s,
              std::size_t ld_s, const float* v, std::size_t k, float* g) {
  const Entries x{rows, values, count};
  float linear = 0, of_squares = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const float scale = delta[rows[i] * ld_delta] * values[i];
    linear += scale;
    of_squares += scale * values[i];
  }
  each_block<kLanes>(k, [&]<int kWidth, int kVectors>(std::size_t f) {
    gradient_block<kWidth, kVectors>(x, delta, ld_delta, s + f, ld_s, v + f, of_squares, g + f);
  });
  g[k] += linear;
}

}  // namespace
}  // namespace smtrain::compute
