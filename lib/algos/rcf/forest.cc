#include "algos/rcf/forest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/each_index.h"

namespace smtrain::rcf {
namespace {

// Builds one tree over a list of row numbers, which it reorders.
class Builder {
 public:
  Builder(const float* points, std::size_t d, std::span<const std::int32_t> rows, RandomStream random)
      : points_(points), d_(d), rows_(rows.begin(), rows.end()), random_(random), low_(d), high_(d) {}

  Tree build() {
    const std::size_t most = 2 * rows_.size() - 1;
    for (auto* numbers : {&tree_.cut_dim, &tree_.right_child, &tree_.mass, &tree_.point}) numbers->reserve(most);
    tree_.cut_value.reserve(most);
    waiting_.push_back({0, rows_.size(), kNobody});
    while (!waiting_.empty()) {
      const Part part = waiting_.back();
      waiting_.pop_back();
      if (part.right_of != kNobody) tree_.right_child[part.right_of] = static_cast<std::int32_t>(tree_.nodes());
      add(part);
    }
    return std::move(tree_);
  }

 private:
  static constexpr std::size_t kNobody = std::numeric_limits<std::size_t>::max();
  struct Part {
    std::size_t first, last;
    std::size_t right_of;  // the node whose right child this is
  };

  const float* row(std::size_t i) const { return points_ + static_cast<std::size_t>(rows_[i]) * d_; }

  // The sum of the sides of the box around the rows.
  double bound(const Part& part) {
    std::copy_n(row(part.first), d_, low_.begin());
    std::copy_n(row(part.first), d_, high_.begin());
    for (std::size_t i = part.first + 1; i < part.last; ++i) {
      const float* x = row(i);
      for (std::size_t j = 0; j < d_; ++j) {
        low_[j] = x[j] < low_[j] ? x[j] : low_[j];
        high_[j] = x[j] > high_[j] ? x[j] : high_[j];
      }
    }
    double sum = 0;
    for (std::size_t j = 0; j < d_; ++j) sum += side(j);
    return sum;
  }

  double side(std::size_t j) const { return static_cast<double>(high_[j]) - static_cast<double>(low_[j]); }

  std::size_t choose_dim(double sides) {
    double left = random_.uniform() * sides;
    std::size_t chosen = 0;
    for (std::size_t j = 0; j < d_; ++j) {
      if (side(j) <= 0) continue;
      chosen = j;  // rounding may leave a remainder: then the last one that could be drawn
      left -= side(j);
      if (left < 0) break;
    }
    return chosen;
  }

  void add(const Part& part) {
    const std::size_t node = tree_.nodes();
    const double sides = part.last - part.first == 1 ? 0 : bound(part);
    tree_.mass.push_back(static_cast<std::int32_t>(part.last - part.first));
    tree_.right_child.push_back(-1);
    if (!(sides > 0)) {
      tree_.cut_dim.push_back(-1);
      tree_.cut_value.push_back(0);
      tree_.point.push_back(*std::min_element(rows_.begin() + static_cast<std::ptrdiff_t>(part.first),
                                              rows_.begin() + static_cast<std::ptrdiff_t>(part.last)));
      return;
    }
    const std::size_t dim = choose_dim(sides);
    const float cut = cut_between(low_[dim], high_[dim], random_.uniform());
    tree_.cut_dim.push_back(static_cast<std::int32_t>(dim));
    tree_.cut_value.push_back(cut);
    tree_.point.push_back(-1);
    const auto begin = rows_.begin();
    const auto middle = std::partition(begin + static_cast<std::ptrdiff_t>(part.first), begin + static_cast<std::ptrdiff_t>(part.last),
                                       [&](std::int32_t r) { return points_[static_cast<std::size_t>(r) * d_ + dim] <= cut; });
    const auto split = static_cast<std::size_t>(middle - begin);
    waiting_.push_back({split, part.last, node});
    waiting_.push_back({part.first, split, kNobody});
  }

  const float* points_;
  const std::size_t d_;
  std::vector<std::int32_t> rows_;
  RandomStream random_;
  std::vector<float> low_, high_;
  std::vector<Part> waiting_;
  Tree tree_;
};

}  // namespace

Tree build_tree(const float* points, std::size_t d, std::span<const std::int32_t> rows, RandomStream random) {
  return Builder(points, d, rows, random).build();
}

RandomStream tree_random(std::uint64_t seed, std::size_t tree) { return RandomStream(seed, fmt::format("rcf.tree.{}", tree)); }

Forest build_forest(std::size_t d, std::vector<float> points, std::size_t num_trees, std::uint64_t seed, int threads) {
  Forest forest;
  forest.d = d;
  forest.points = std::move(points);
  const std::size_t rows = forest.points.size() / d, each = rows / num_trees;
  forest.tree_of.assign(rows, -1);
  for (std::size_t i = 0; i < num_trees * each; ++i) forest.tree_of[i] = static_cast<std::int32_t>(i / each);
  forest.trees.resize(num_trees);
  each_index(threads, num_trees, [&](std::size_t t) {
    std::vector<std::int32_t> own(each);
    std::iota(own.begin(), own.end(), static_cast<std::int32_t>(t * each));
    forest.trees[t] = build_tree(forest.points.data(), d, own, tree_random(seed, t));
  });
  return forest;
}

float cut_between(float low, float high, double u) {
  const double l = static_cast<double>(low), h = static_cast<double>(high);
  const float cut = static_cast<float>(l + u * (h - l));
  return cut < high ? std::max(cut, low) : std::nextafter(high, low);
}

std::size_t depth_of(const Tree& tree) {
  std::vector<std::size_t> depth(tree.nodes());
  for (std::size_t i = 0; i < tree.nodes(); ++i) {
    if (tree.is_leaf(i)) continue;
    depth[i + 1] = depth[static_cast<std::size_t>(tree.right_child[i])] = depth[i] + 1;
  }
  return depth.empty() ? 0 : *std::max_element(depth.begin(), depth.end());
}

}  // namespace smtrain::rcf
