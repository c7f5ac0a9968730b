// The specification of random cut forests read plainly: recursion, double precision, every box from the points below it.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "algos/rcf/forest.h"

namespace smtrain::rcf::test {

using Point = std::vector<double>;

inline double log2(double x) { return std::log(x) / std::log(2.0); }

/// A tree as nodes that hold their points.
struct PlainNode {
  std::vector<Point> points;  ///< copies too
  int dim = -1;
  double cut = 0;
  std::vector<PlainNode> children;  ///< two or none

  double low(std::size_t j) const {
    double least = points[0][j];
    for (const Point& p : points) least = std::min(least, p[j]);
    return least;
  }
  double high(std::size_t j) const {
    double most = points[0][j];
    for (const Point& p : points) most = std::max(most, p[j]);
    return most;
  }
};

/// What a tree says of a query: s, and shares of it.
struct Said {
  double s = 0, depth = 0;
  std::vector<double> shares;
};

inline Said ask(const PlainNode& node, const Point& q, double depth, double mass) {
  const std::size_t d = q.size();
  Said said;
  double sides = 0, wider = 0;
  std::vector<double> beyond(d);
  for (std::size_t j = 0; j < d; ++j) {
    sides += node.high(j) - node.low(j);
    wider += std::max(node.high(j), q[j]) - std::min(node.low(j), q[j]);
    beyond[j] = std::max({node.low(j) - q[j], q[j] - node.high(j), 0.0});
  }
  double all_beyond = 0;
  for (const double b : beyond) all_beyond += b;
  if (node.children.empty()) {
    const double w = static_cast<double>(node.points.size());
    if (node.points[0] == q) {
      said.s = depth == 0 ? 0.5 / log2(mass + 1) : 1 / (depth + log2(w));
      said.shares.assign(d, said.s / static_cast<double>(d));
    } else {
      said.s = 1 / (depth + 1);
      for (const double b : beyond) said.shares.push_back(said.s * b / all_beyond);
    }
    said.depth = depth;
    return said;
  }
  const bool left = q[static_cast<std::size_t>(node.dim)] <= node.cut;
  said = ask(node.children[left ? 0 : 1], q, depth + 1, mass);
  const double p = (wider - sides) / wider;
  if (all_beyond == 0) return said;
  said.s = p / (depth + 1) + (1 - p) * said.s;
  for (std::size_t j = 0; j < d; ++j) said.shares[j] = p / (depth + 1) * beyond[j] / all_beyond + (1 - p) * said.shares[j];
  return said;
}

/// The node `i` of a tree, and what is below it. `points`: those of the tree, which are sorted into the node here.
inline PlainNode plain(const Tree& tree, std::size_t i, std::vector<Point> points) {
  PlainNode node{std::move(points), tree.cut_dim[i], static_cast<double>(tree.cut_value[i]), {}};
  if (node.dim < 0) return node;
  std::vector<Point> sides[2];
  for (const Point& p : node.points) sides[p[static_cast<std::size_t>(node.dim)] <= node.cut ? 0 : 1].push_back(p);
  node.children.push_back(plain(tree, i + 1, sides[0]));
  node.children.push_back(plain(tree, static_cast<std::size_t>(tree.right_child[i]), sides[1]));
  return node;
}

inline std::vector<Point> points_of(const Forest& forest, std::size_t tree) {
  std::vector<Point> points;
  for (std::size_t r = 0; r < forest.rows(); ++r) {
    if (forest.tree_of[r] == static_cast<std::int32_t>(tree)) points.emplace_back(forest.row(r), forest.row(r) + forest.d);
  }
  return points;
}

inline std::vector<PlainNode> plain(const Forest& forest) {
  std::vector<PlainNode> trees;
  for (std::size_t t = 0; t < forest.trees.size(); ++t) trees.push_back(plain(forest.trees[t], 0, points_of(forest, t)));
  return trees;
}

/// The forest's answer: s is the score.
inline Said ask(const std::vector<PlainNode>& trees, const Point& q) {
  Said mean;
  mean.shares.resize(q.size());
  const double part = 1 / static_cast<double>(trees.size());
  for (const PlainNode& tree : trees) {
    const double mass = static_cast<double>(tree.points.size()), scale = log2(mass + 1) * part;
    const Said said = ask(tree, q, 0, mass);
    mean.s += said.s * scale;
    mean.depth += said.depth * part;
    for (std::size_t j = 0; j < q.size(); ++j) mean.shares[j] += said.shares[j] * scale;
  }
  return mean;
}

}  // namespace smtrain::rcf::test
