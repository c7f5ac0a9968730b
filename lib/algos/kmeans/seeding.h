// How centres start: distinct random rows, or k-means++ (Arthur & Vassilvitskii 2007).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/random.h"
#include "compute/backend.h"
#include "formats/batch.h"

namespace smtrain::kmeans {

/// Rows to choose from: the pieces of one mini-batch, or centres with their weights.
class Candidates {
 public:
  /// Views of the batches, which must stay alive; every row weighs one.
  Candidates(compute::Backend& backend, std::span<const formats::Batch> batches);
  /// Rows of a packed (n, d) matrix with weights (n), which must stay alive.
  Candidates(compute::Backend& backend, std::span<const float> rows, std::span<const double> weights, std::size_t d);

  std::size_t size() const { return rows_; }
  std::size_t dim() const { return d_; }
  void copy_row(std::size_t row, float* to) const;

  /// `count` distinct rows, uniformly. count <= size().
  std::vector<float> choose_random(std::size_t count, RandomStream& random) const;

  /// k-means++: the first row with probability proportional to its weight, each next one to weight × squared distance to
  /// its nearest chosen row. When all that is left has distance zero (fewer distinct rows than `count`), the rest is
  /// drawn uniformly from the rows not yet chosen. Returns the rows packed (count, d). `poll` is called for each and may throw.
  std::vector<float> choose_plus_plus(std::size_t count, RandomStream& random, const std::function<void()>& poll) const;

 private:
  std::size_t draw(std::span<const float> distances, std::vector<bool>& chosen, RandomStream& random) const;
  double weight(std::size_t row) const { return weights_.empty() ? 1.0 : weights_[row]; }

  compute::Backend& backend_;
  std::vector<formats::Batch> batches_;
  std::span<const double> weights_;
  std::size_t rows_ = 0, d_ = 0;
};

}  // namespace smtrain::kmeans
