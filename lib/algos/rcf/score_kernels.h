// The table of kernels behind Scorer: one per instruction set, plain pointers and sizes. This header and score_tile.h are all that
// the sources of one instruction set include.
#pragma once

#include <cstddef>
#include <cstdint>

namespace smtrain::rcf {

constexpr std::size_t kChunk = 8;  ///< columns that are looked at together; points and boxes are padded to whole chunks with zeros
constexpr std::size_t kGroup = 8;  ///< queries that walk down together

/// What the walk down needs of a node. From node i a query goes on at i + 1 where q[dim] <= cut, else at i + 1 + skip. Of a leaf cut
/// is -inf and skip -1: it leads to itself.
struct WalkNode {
  float cut;
  std::uint16_t dim;
  std::int16_t skip;
};

/// What the way back needs of a node.
struct ClimbNode {
  double number;         ///< of an inner node the sum of the sides of its box, of a leaf its value for a query that equals its point
  std::int32_t place;    ///< of an inner node its box, of a leaf its point
  std::uint16_t parent;  ///< the root's is the root
  std::uint16_t depth;
};

struct TreeView {
  const WalkNode* walk = nullptr;
  const ClimbNode* climb = nullptr;
  const float* boxes = nullptr;    ///< box b, chunk c: 8 minima and 8 maxima at (b * chunks + c) * 16
  const float* points = nullptr;   ///< point p at p * chunks * 8
  const double* value = nullptr;   ///< 1 / (depth + 1) by depth
  std::size_t chunks = 0;
  double scale = 1;                ///< log2(mass + 1)
};

struct ScoreKernels {
  const char* name;
  /// sums[i] += the tree's score of query i. q (rows, chunks * 8), rows a multiple of kGroup; `live` is scratch of `chunks` numbers.
  void (*score)(const TreeView& tree, const float* q, std::size_t rows, std::uint16_t* live, double* sums);
};

extern const ScoreKernels kScoreBaseline;
#if defined(__x86_64__)
extern const ScoreKernels kScoreAvx2;
extern const ScoreKernels kScoreAvx512;
#endif

}  // namespace smtrain::rcf
