#include "algos/rcf/live_tree.h"

#include <algorithm>
#include <cmath>

#include "algos/rcf/score.h"
#include "algos/rcf/score_kernels.h"
#include "base/error.h"

namespace smtrain::rcf {
namespace {

constexpr std::int32_t kNone = -1;

std::size_t place_of(std::size_t j) { return j / kChunk * 2 * kChunk + j % kChunk; }

}  // namespace

LiveTree::LiveTree(const Forest& forest, std::size_t number)
    : d_(forest.d), stride_((forest.d + kChunk - 1) / kChunk * 2 * kChunk) {
  const Tree& tree = forest.trees[number];
  nodes_.resize(tree.nodes());
  numbers_.resize(tree.nodes() * stride_);
  root_ = 0;
  for (std::size_t i = 0; i < tree.nodes(); ++i) {
    Node& n = nodes_[i];
    n.mass = tree.mass[i];
    if (tree.is_leaf(i)) {
      std::copy_n(forest.row(static_cast<std::size_t>(tree.point[i])), d_, numbers(static_cast<std::int32_t>(i)));
      continue;
    }
    n.dim = tree.cut_dim[i];
    n.cut = tree.cut_value[i];
    n.left = static_cast<std::int32_t>(i + 1);
    n.right = tree.right_child[i];
    node(n.left).parent = node(n.right).parent = static_cast<std::int32_t>(i);
  }
  for (std::size_t i = tree.nodes(); i-- > 0;) {
    if (!tree.is_leaf(i)) bound(static_cast<std::int32_t>(i));
  }
}

float LiveTree::low(std::int32_t i, std::size_t j) const { return numbers(i)[is_leaf(i) ? j : place_of(j)]; }

float LiveTree::high(std::int32_t i, std::size_t j) const { return numbers(i)[is_leaf(i) ? j : place_of(j) + kChunk]; }

std::int32_t LiveTree::make() {
  if (!free_.empty()) {
    const std::int32_t i = free_.back();
    free_.pop_back();
    node(i) = Node{};
    std::fill_n(numbers(i), stride_, 0.0f);
    return i;
  }
  nodes_.emplace_back();
  numbers_.resize(nodes_.size() * stride_);
  return static_cast<std::int32_t>(nodes_.size() - 1);
}

std::int32_t LiveTree::make_leaf(const float* x, std::int32_t mass, std::int32_t parent) {
  const std::int32_t leaf = make();
  node(leaf).mass = mass;
  node(leaf).parent = parent;
  std::copy_n(x, d_, numbers(leaf));
  return leaf;
}

std::int32_t LiveTree::leaf_of(const float* x) const {
  std::int32_t at = root_;
  while (!is_leaf(at)) at = x[node(at).dim] <= node(at).cut ? node(at).left : node(at).right;
  return at;
}

bool LiveTree::equals(std::int32_t leaf, const float* x) const { return std::equal(x, x + d_, numbers(leaf)); }

// `by` takes the place of `old` below its parent.
void LiveTree::replace(std::int32_t old, std::int32_t by) {
  const std::int32_t parent = node(old).parent;
  node(by).parent = parent;
  if (parent == kNone) root_ = by;
  else if (node(parent).left == old) node(parent).left = by;
  else node(parent).right = by;
}

// In the order in which Scorer adds them.
void LiveTree::sum_sides(std::int32_t inner) {
  double sides = 0;
  for (std::size_t j = 0; j < d_; ++j) sides += static_cast<double>(high(inner, j)) - static_cast<double>(low(inner, j));
  node(inner).sides = sides;
}

void LiveTree::bound(std::int32_t inner) {
  const std::int32_t left = node(inner).left, right = node(inner).right;
  float* box = numbers(inner);
  for (std::size_t j = 0; j < d_; ++j) {
    box[place_of(j)] = std::min(low(left, j), low(right, j));
    box[place_of(j) + kChunk] = std::max(high(left, j), high(right, j));
  }
  sum_sides(inner);
}

void LiveTree::widen(std::int32_t inner, const float* x) {
  float* box = numbers(inner);
  for (std::size_t j = 0; j < d_; ++j) {
    box[place_of(j)] = std::min(box[place_of(j)], x[j]);
    box[place_of(j) + kChunk] = std::max(box[place_of(j) + kChunk], x[j]);
  }
  sum_sides(inner);
}

// Draws a cut of the node's box widened by x.
bool LiveTree::parts(std::int32_t at, const float* x, RandomStream& random) {
  const auto side = [&](std::size_t j) {
    return static_cast<double>(std::max(high(at, j), x[j])) - static_cast<double>(std::min(low(at, j), x[j]));
  };
  double sides = 0;
  for (std::size_t j = 0; j < d_; ++j) sides += side(j);
  double left = random.uniform() * sides;
  std::size_t dim = 0;
  for (std::size_t j = 0; j < d_; ++j) {
    const double s = side(j);
    if (s <= 0) continue;
    dim = j;
    left -= s;
    if (left < 0) break;
  }
  const float l = low(at, dim), h = high(at, dim);
  const float cut = cut_between(std::min(l, x[dim]), std::max(h, x[dim]), random.uniform());
  drawn_dim_ = dim;
  drawn_cut_ = cut;
  drawn_left_ = x[dim] <= cut;
  return drawn_left_ ? cut < l : h <= cut;
}

void LiveTree::put_beside(std::int32_t at, const float* x) {
  const std::int32_t inner = make();
  replace(at, inner);
  const std::int32_t leaf = make_leaf(x, 1, inner);
  node(at).parent = inner;
  Node& n = node(inner);
  n.dim = static_cast<std::int32_t>(drawn_dim_);
  n.cut = drawn_cut_;
  n.left = drawn_left_ ? leaf : at;
  n.right = drawn_left_ ? at : leaf;
  n.mass = node(at).mass + 1;
  bound(inner);
}

void LiveTree::insert(const float* x, RandomStream& random) {
  if (root_ == kNone) {
    root_ = make_leaf(x, 1, kNone);
    return;
  }
  for (std::int32_t at = root_;;) {
    if (is_leaf(at) && equals(at, x)) {
      ++node(at).mass;
      return;
    }
    if (parts(at, x, random)) return put_beside(at, x);
    widen(at, x);
    ++node(at).mass;
    at = x[node(at).dim] <= node(at).cut ? node(at).left : node(at).right;
  }
}

void LiveTree::remove(const float* x) {
  const std::int32_t leaf = root_ == kNone ? kNone : leaf_of(x);
  if (leaf == kNone || !equals(leaf, x)) throw internal_error("a point leaves a tree that it is not in");
  std::int32_t above = node(leaf).parent;
  if (--node(leaf).mass == 0) {
    free_.push_back(leaf);
    if (above == kNone) {
      root_ = kNone;
      return;
    }
    const std::int32_t parent = above, sibling = node(parent).left == leaf ? node(parent).right : node(parent).left;
    replace(parent, sibling);
    free_.push_back(parent);
    above = node(sibling).parent;
    for (std::int32_t at = above; at != kNone; at = node(at).parent) bound(at);
  }
  for (; above != kNone; above = node(above).parent) --node(above).mass;
}

void LiveTree::explain(const float* x, double part, Explanation& sums) {
  const double scale = std::log2(static_cast<double>(mass()) + 1) * part;
  std::int32_t at = root_;
  std::size_t depth = 0;
  for (; !is_leaf(at); ++depth) at = x[node(at).dim] <= node(at).cut ? node(at).left : node(at).right;
  shares_.resize(sums.attribution.size());
  sums.depth += static_cast<double>(depth) * part;
  Climb climb({x, d_}, shares_);
  bool goes_on = climb.leaf(numbers(at), depth, value_of_equal(depth, static_cast<std::size_t>(node(at).mass), mass()));
  while (goes_on && depth-- > 0) {
    at = node(at).parent;
    goes_on = climb.inner(numbers(at), node(at).sides, depth);
  }
  sums.score += climb.value() * scale;
  for (std::size_t j = 0; j < shares_.size(); ++j) sums.attribution[j] += shares_[j] * scale;
}

Tree LiveTree::tree(const float* points, std::span<const std::int32_t> rows) const {
  std::vector<std::int32_t> stands(nodes_.size(), -1);
  for (const std::int32_t row : rows) {
    std::int32_t& first = stands[static_cast<std::size_t>(leaf_of(points + static_cast<std::size_t>(row) * d_))];
    first = first < 0 ? row : std::min(first, row);
  }
  Tree tree;
  std::vector<std::pair<std::int32_t, std::int32_t>> waiting{{root_, -1}};  // a node, and whose right child it is in the new tree
  while (!waiting.empty()) {
    const auto [at, right_of] = waiting.back();
    waiting.pop_back();
    const auto number = static_cast<std::int32_t>(tree.nodes());
    if (right_of >= 0) tree.right_child[static_cast<std::size_t>(right_of)] = number;
    tree.cut_dim.push_back(node(at).dim);
    tree.cut_value.push_back(node(at).cut);
    tree.right_child.push_back(-1);
    tree.mass.push_back(node(at).mass);
    tree.point.push_back(is_leaf(at) ? stands[static_cast<std::size_t>(at)] : -1);
    if (is_leaf(at)) continue;
    waiting.emplace_back(node(at).right, number);
    waiting.emplace_back(node(at).left, -1);
  }
  return tree;
}

}  // namespace smtrain::rcf
