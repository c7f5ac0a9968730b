// A random cut forest as data: trees of axis-parallel cuts over samples of points (Guha, Mishra, Roy, Schrijvers, ICML 2016).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"

namespace smtrain::rcf {

/// The nodes of one tree in preorder: the left child of an inner node is the node after it. Identical points share a leaf.
struct Tree {
  std::vector<std::int32_t> cut_dim;      ///< -1: a leaf
  std::vector<float> cut_value;           ///< points with x[cut_dim] <= cut_value are on the left; 0 of a leaf
  std::vector<std::int32_t> right_child;  ///< number of a node of this tree; -1 of a leaf
  std::vector<std::int32_t> mass;         ///< points below, copies counted
  std::vector<std::int32_t> point;        ///< of a leaf the row that it stands for, the first of its copies; else -1

  std::size_t nodes() const { return cut_dim.size(); }
  bool is_leaf(std::size_t node) const { return cut_dim[node] < 0; }
};

/// Points, row after row, and the trees that are built of them.
struct Forest {
  std::size_t d = 0;                ///< numbers of a point
  std::vector<float> points;        ///< (rows, d): the sample, those of no tree as well
  std::vector<std::int32_t> tree_of;  ///< (rows) the tree that a point is in; -1: none
  std::vector<Tree> trees;

  std::size_t rows() const { return tree_of.size(); }
  const float* row(std::size_t i) const { return points.data() + i * d; }
};

/// A tree of the rows with these numbers (one or more) of `points` (n, d). A cut falls into a dimension with a probability
/// proportional to the side of the node's bounding box, and uniformly within that side. O(depth rows d), without recursion: a tree
/// may be as deep as it has points.
Tree build_tree(const float* points, std::size_t d, std::span<const std::int32_t> rows, RandomStream random);

/// The random stream of a tree.
RandomStream tree_random(std::uint64_t seed, std::size_t tree);

/// Cuts the first num_trees * floor(rows / num_trees) rows into parts of consecutive rows and builds a tree of each, side by side on
/// `threads` threads; the same forest for any number of them. Throws the Error of an interrupted run.
Forest build_forest(std::size_t d, std::vector<float> points, std::size_t num_trees, std::uint64_t seed, int threads);

/// A cut between `low` and `high`, low < high, at `u` in [0, 1) of the way: a number c of float32 with low <= c < high, so that
/// x <= c tells the two apart.
float cut_between(float low, float high, double u);

/// Depths of the deepest leaf and others.
std::size_t depth_of(const Tree& tree);

}  // namespace smtrain::rcf
