// What a tree says of one query beside its score: how deep it lies, and which columns the score comes from.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace smtrain::rcf {

/// What the trees say of one query: sums over trees, then means.
struct Explanation {
  double score = 0;
  double depth = 0;                 ///< of the leaf that the query comes to
  std::vector<double> attribution;  ///< (d), or empty: shares of the score, whose sum it is
};

/// One query in one tree, from the leaf back to the root. A separation of probability p at a node is shared among the columns in which
/// the query lies outside of the node's box by how far it does, as is the value of a leaf that it differs from; the value of a
/// leaf that it equals belongs to all columns alike.
class Climb {
 public:
  /// x (d); `attribution` (d) is overwritten, or empty where it is not wanted.
  Climb(std::span<const float> x, std::span<double> attribution) : x_(x), shares_(attribution) {}

  /// The leaf at `depth` with its point (d). `equal`: its value for a query that equals it. False: it does, all is said.
  bool leaf(const float* point, std::size_t depth, double equal);
  /// The next node up, at `depth`, its box in chunks as score_kernels.h has them, and the sum of its sides. False: the query lies within,
  /// and so it does in all nodes above.
  bool inner(const float* box, double sides, std::size_t depth);
  double value() const { return s_; }  ///< not yet scaled

 private:
  std::span<const float> x_;
  std::span<double> shares_;
  double s_ = 0;
};

}  // namespace smtrain::rcf
