// A tree that points enter and leave (Guha, Mishra, Roy, Schrijvers, ICML 2016, section 2): its law stays that of a tree built of the
// points that are in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "algos/rcf/explain.h"
#include "algos/rcf/forest.h"
#include "base/random.h"

namespace smtrain::rcf {

/// Draws of next_u32 that one insertion takes at most.
constexpr std::uint64_t kInsertionDraws = 16'384;

class LiveTree {
 public:
  /// Of a tree of a forest; points are copied.
  LiveTree(const Forest& forest, std::size_t tree);

  /// A point (d) comes in. Going down, a cut is drawn in each node's box widened by the point, as the builder would; where it parts the
  /// point from the box, the point becomes a leaf beside the node, and else the node's own cut stays.
  void insert(const float* x, RandomStream& random);
  /// One of the copies of a point that is in the tree leaves; its sibling takes the place of their parent.
  void remove(const float* x);

  std::size_t mass() const { return root_ < 0 ? 0 : static_cast<std::size_t>(node(root_).mass); }
  /// Scores x (d): adds `part` of the tree's score, of the depth and, unless its attribution is empty, of the shares.
  void explain(const float* x, double part, Explanation& sums);
  /// In preorder; leaves stand for the first of `rows` (numbers of rows of `points` (n, d), all that are in the tree) that lie in them.
  Tree tree(const float* points, std::span<const std::int32_t> rows) const;

 private:
  struct Node {
    std::int32_t parent = -1, left = -1, right = -1;  // left -1: a leaf
    std::int32_t dim = -1, mass = 0;
    float cut = 0;
    double sides = 0;  // of the box of an inner node
  };

  Node& node(std::int32_t i) { return nodes_[static_cast<std::size_t>(i)]; }
  const Node& node(std::int32_t i) const { return nodes_[static_cast<std::size_t>(i)]; }
  bool is_leaf(std::int32_t i) const { return node(i).left < 0; }
  // Of an inner node its box in chunks as score_kernels.h has them, of a leaf its point.
  float* numbers(std::int32_t i) { return numbers_.data() + static_cast<std::size_t>(i) * stride_; }
  const float* numbers(std::int32_t i) const { return numbers_.data() + static_cast<std::size_t>(i) * stride_; }
  float low(std::int32_t i, std::size_t j) const;
  float high(std::int32_t i, std::size_t j) const;

  std::int32_t make();
  std::int32_t make_leaf(const float* x, std::int32_t mass, std::int32_t parent);
  std::int32_t leaf_of(const float* x) const;
  bool equals(std::int32_t leaf, const float* x) const;
  void replace(std::int32_t old, std::int32_t by);
  void bound(std::int32_t inner);
  void widen(std::int32_t inner, const float* x);
  void sum_sides(std::int32_t inner);
  bool parts(std::int32_t at, const float* x, RandomStream& random);
  void put_beside(std::int32_t at, const float* x);

  std::size_t d_ = 0, stride_ = 0;
  std::vector<Node> nodes_;
  std::vector<float> numbers_;
  std::vector<std::int32_t> free_;
  std::int32_t root_ = -1;
  std::vector<double> shares_;
  std::size_t drawn_dim_ = 0;  // of the last cut that parts() drew
  float drawn_cut_ = 0;
  bool drawn_left_ = false;    // the point is on its left
};

}  // namespace smtrain::rcf
