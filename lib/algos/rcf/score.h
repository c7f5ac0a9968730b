// Anomaly scores: the expectation of 1 / depth of a query in the tree as it would be built with the query in it, averaged over trees and
// scaled by log2(mass + 1); see share/doc/reference/rcf.md and specification 4.3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "algos/rcf/explain.h"
#include "algos/rcf/forest.h"
#include "algos/rcf/score_kernels.h"

namespace smtrain::rcf {

/// The value, not yet scaled, of a leaf of this depth for a query that equals its point: 1 / (depth + log2 copies), and of a tree that
/// is one leaf what makes its score 0.5.
double value_of_equal(std::size_t depth, std::size_t copies, std::size_t mass);

/// A forest laid out for scoring, with the bounding boxes of its inner nodes. Copies what it needs; const and thread-safe.
class Scorer {
 public:
  explicit Scorer(const Forest& forest);
  Scorer(const Scorer&) = delete;
  Scorer& operator=(const Scorer&) = delete;

  std::size_t d() const { return d_; }
  std::size_t trees() const { return views_.size(); }
  /// Memory of the layout, in bytes.
  std::uint64_t bytes() const;

  /// scores[i] of the queries x (rows, d), dense with leading dimension ld. Every query's score is the sum over the trees in their
  /// order, whatever the number of rows and threads.
  void score(const float* x, std::size_t rows, std::size_t ld, int threads, float* scores) const;
  /// Of one query of d numbers; the score is that of score(), up to rounding. `with_attribution`: else it stays empty.
  Explanation explain(const float* x, bool with_attribution) const;

 private:
  void lay_out(const Forest& forest, const Tree& tree);
  void place_nodes(const Forest& forest, const Tree& tree, std::size_t start);
  void bound_boxes(const Tree& tree, const TreeView& view, ClimbNode* climb);
  void score_few(const float* x, std::size_t rows, std::size_t ld, int threads, float* scores) const;
  void score_block(const float* q, std::size_t padded, std::size_t first_tree, std::size_t last_tree, double* sums) const;

  std::size_t d_ = 0, chunks_ = 0;
  const ScoreKernels& kernels_;
  std::vector<WalkNode> walk_;
  std::vector<ClimbNode> climb_;
  std::vector<double> value_;           // 1 / (depth + 1)
  std::shared_ptr<float> boxes_, points_;
  std::size_t boxes_used_ = 0, points_used_ = 0;
  std::vector<TreeView> views_;
};

}  // namespace smtrain::rcf
