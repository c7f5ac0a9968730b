// Scores of queries under one tree (score.h): groups of queries walk down together, without a branch on their numbers, so that the
// loads of one hide behind those of the others; then each climbs back alone. Everything here is local to the including source.
//
// Per query and level down: 3 loads, about 8 operations. Per level back: for each live chunk of 8 columns 64 bytes of box, 2
// conversions, 4 operations and a sum across; one division. A chunk in which the query lies within a node's box lies within those of
// all ancestors, so the list of live chunks only shrinks, and the climb ends when it is empty: about half way up for common points.
// Sums run in a fixed order, and nothing is fused: all instruction sets give the same bits.
#pragma once

#include <string.h>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#include "score_kernels.h"

namespace smtrain::rcf {
namespace {

typedef float Floats __attribute__((vector_size(kChunk * sizeof(float))));
typedef double Doubles __attribute__((vector_size(kChunk * sizeof(double))));
typedef double Four __attribute__((vector_size(4 * sizeof(double))));
typedef double Two __attribute__((vector_size(2 * sizeof(double))));

inline void load(Doubles& to, const float* from) {
#if defined(__AVX512F__)
  to = (Doubles)_mm512_maskz_cvtps_pd(0xff, _mm256_loadu_ps(from));  // one instruction, of which g++ makes four
#else
  Floats f;
  memcpy(&f, from, sizeof f);
  to = __builtin_convertvector(f, Doubles);
#endif
}

// Adds to `sums` how far each of 8 numbers lies outside of [low, high].
inline void add_beyond(const Doubles& q, const float* low, const float* high, Doubles& sums) {
  Doubles under, over;
  load(under, low);
  load(over, high);
  under = under - q;
  over = q - over;
  const Doubles zero{};
  const Doubles e = under > over ? under : over;
  sums += e > zero ? e : zero;
}

inline double sum_of(const Doubles& e) {
  const Four four = __builtin_shufflevector(e, e, 0, 1, 2, 3) + __builtin_shufflevector(e, e, 4, 5, 6, 7);
  const Two two = __builtin_shufflevector(four, four, 0, 1) + __builtin_shufflevector(four, four, 2, 3);
  return two[0] + two[1];
}

inline double beyond(const Doubles& q, const float* low, const float* high) {
  Doubles sums{};
  add_beyond(q, low, high, sums);
  return sum_of(sums);
}

// kChunks: columns / 8 where that is known, else 0.
template <std::size_t kChunks>
double climb(const TreeView& tree, std::size_t leaf, const float* q, std::uint16_t* live) {
  const std::size_t chunks = kChunks == 0 ? tree.chunks : kChunks;
  Doubles own[kChunks == 0 ? 1 : kChunks];
  for (std::size_t c = 0; c < kChunks; ++c) load(own[c], q + c * kChunk);
  const ClimbNode* node = &tree.climb[leaf];
  const float* point = tree.points + static_cast<std::size_t>(node->place) * chunks * kChunk;
  std::size_t count = 0;
  double outside = 0;
  if constexpr (kChunks == 0) {
    for (std::size_t c = 0; c < chunks; ++c) {
      load(own[0], q + c * kChunk);
      const double e = beyond(own[0], point + c * kChunk, point + c * kChunk);
      outside += e;
      live[count] = static_cast<std::uint16_t>(c);
      count += e > 0;
    }
  } else {
    Doubles sums{};
    for (std::size_t c = 0; c < kChunks; ++c) add_beyond(own[c], point + c * kChunk, point + c * kChunk, sums);
    outside = sum_of(sums);
  }
  if (!(outside > 0)) return node->number;
  double s = tree.value[node->depth];
  for (std::size_t depth = node->depth; depth-- > 0;) {
    node = &tree.climb[node->parent];
    const float* box = tree.boxes + static_cast<std::size_t>(node->place) * chunks * 2 * kChunk;
    outside = 0;
    if constexpr (kChunks == 0) {
      std::size_t kept = 0;
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t c = live[i];
        load(own[0], q + c * kChunk);
        const double e = beyond(own[0], box + c * 2 * kChunk, box + c * 2 * kChunk + kChunk);
        outside += e;
        live[kept] = static_cast<std::uint16_t>(c);
        kept += e > 0;
      }
      count = kept;
    } else {
      Doubles sums{};
      for (std::size_t c = 0; c < kChunks; ++c) add_beyond(own[c], box + c * 2 * kChunk, box + c * 2 * kChunk + kChunk, sums);
      outside = sum_of(sums);
    }
    if (!(outside > 0)) break;
    s += outside / (node->number + outside) * (tree.value[depth] - s);
  }
  return s;
}

// One step of a query. The sign of cut - q is the way: a comparison would become a branch that nobody can predict. A node is loaded as
// one number and taken apart in registers.
inline std::int64_t step(const WalkNode* nodes, const float* q, std::int64_t at) {
  std::uint64_t bits = 0;
  memcpy(&bits, nodes + at, sizeof bits);
  const float cut = __builtin_bit_cast(float, static_cast<std::uint32_t>(bits));
  const std::int64_t skip = static_cast<std::int64_t>(bits) >> 48;
  const float gap = cut - q[(bits >> 32) & 0xffff];
  return at + 1 + (skip & (__builtin_bit_cast(std::int32_t, gap) >> 31));
}

template <std::size_t kChunks>
void score_rows(const TreeView& tree, const float* q, std::size_t rows, std::uint16_t* live, double* sums) {
  const std::size_t width = (kChunks == 0 ? tree.chunks : kChunks) * kChunk;
  for (std::size_t first = 0; first < rows; first += kGroup) {
    const float* group = q + first * width;
    std::int64_t at[kGroup] = {};
    for (std::int32_t all_there = 0; all_there >= 0;) {
      for (int i = 0; i < 4; ++i) {
#pragma GCC unroll 8
        for (std::size_t l = 0; l < kGroup; ++l) at[l] = step(tree.walk, group + l * width, at[l]);
      }
      all_there = -1;
      for (std::size_t l = 0; l < kGroup; ++l) all_there &= tree.walk[at[l]].skip;
    }
    for (std::size_t l = 0; l < kGroup; ++l) {
      sums[first + l] += climb<kChunks>(tree, static_cast<std::size_t>(at[l]), group + l * width, live) * tree.scale;
    }
  }
}

void score(const TreeView& tree, const float* q, std::size_t rows, std::uint16_t* live, double* sums) {
  switch (tree.chunks) {
    case 1: return score_rows<1>(tree, q, rows, live, sums);
    case 2: return score_rows<2>(tree, q, rows, live, sums);
    case 3: return score_rows<3>(tree, q, rows, live, sums);
    default: return score_rows<0>(tree, q, rows, live, sums);
  }
}

}  // namespace
}  // namespace smtrain::rcf
