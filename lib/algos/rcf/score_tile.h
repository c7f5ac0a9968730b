// Scores of queries under one tree (score.h): groups of queries walk down together, without a branch on their numbers, so that the
// loads of one hide behind those of the others; then each climbs back alone. Everything here is local to the including source.
//
// Per query and level down: 3 loads, about 8 operations. Per level back: for each live chunk of 8 columns 64 bytes of box, 2
// conversions, 4 operations and a sum across; one division. A chunk in which the query lies within a node's box lies within those of
// all ancestors, so the list of live chunks only shrinks, and the climb ends when it is empty: about half way up for common points.
// Sums run in a fixed order, and nothing is fused: all instruction sets give the same bits.
#pragma once

#include <string.h>

#include "score_kernels.h"

namespace smtrain::rcf {
namespace {

typedef float Floats __attribute__((vector_size(kChunk * sizeof(float))));
typedef double Doubles __attribute__((vector_size(kChunk * sizeof(double))));

// How far 8 numbers lie outside of [low, high], in all.
inline double beyond(const Doubles& q, const float* low, const float* high) {
  Floats l, h;
  memcpy(&l, low, sizeof l);
  memcpy(&h, high, sizeof h);
  const Doubles under = __builtin_convertvector(l, Doubles) - q, over = q - __builtin_convertvector(h, Doubles);
  const Doubles zero{};
  Doubles e = under > over ? under : over;
  e = e > zero ? e : zero;
  return ((e[0] + e[4]) + (e[1] + e[5])) + ((e[2] + e[6]) + (e[3] + e[7]));
}

inline void load(Doubles& to, const float* from) {
  Floats f;
  memcpy(&f, from, sizeof f);
  to = __builtin_convertvector(f, Doubles);
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
  for (std::size_t c = 0; c < chunks; ++c) {
    if constexpr (kChunks == 0) load(own[0], q + c * kChunk);
    const double e = beyond(own[kChunks == 0 ? 0 : c], point + c * kChunk, point + c * kChunk);
    outside += e;
    if constexpr (kChunks == 0) {
      live[count] = static_cast<std::uint16_t>(c);
      count += e > 0;
    }
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
      for (std::size_t c = 0; c < kChunks; ++c) outside += beyond(own[c], box + c * 2 * kChunk, box + c * 2 * kChunk + kChunk);
    }
    if (!(outside > 0)) break;
    s += outside / (node->number + outside) * (tree.value[depth] - s);
  }
  return s;
}

// One step of kGroup queries. The sign of cut - q is the way: a comparison would become a branch that nobody can predict.
inline void step(const WalkNode* nodes, const float* q, std::size_t width, std::int32_t* at) {
  for (std::size_t l = 0; l < kGroup; ++l) {
    const WalkNode n = nodes[at[l]];
    const std::int32_t right = __builtin_bit_cast(std::int32_t, n.cut - q[l * width + n.dim]) >> 31;
    at[l] += 1 + (n.skip & right);
  }
}

template <std::size_t kChunks>
void score_rows(const TreeView& tree, const float* q, std::size_t rows, std::uint16_t* live, double* sums) {
  const std::size_t width = (kChunks == 0 ? tree.chunks : kChunks) * kChunk;
  for (std::size_t first = 0; first < rows; first += kGroup) {
    const float* group = q + first * width;
    std::int32_t at[kGroup] = {};
    for (std::int32_t all_there = 0; all_there >= 0;) {
      for (int i = 0; i < 4; ++i) step(tree.walk, group, width, at);
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
    default: return score_rows<0>(tree, q, rows, live, sums);
  }
}

}  // namespace
}  // namespace smtrain::rcf
