// Shingles: rows of a series that follow each other, joined to points.
#pragma once

#include <cstddef>
#include <vector>

#include "formats/batch.h"

namespace smtrain::rcf {

/// Turns n rows of d numbers into n - w + 1 rows of w d, the oldest of the w first; the label of such a row is that of its last. Goes on
/// from batch to batch. Not thread-safe.
class Shingler {
 public:
  /// `last`: rows (n, d) that come before the first, n < w.
  Shingler(std::size_t d, std::size_t w, std::vector<float> last = {}) : d_(d), w_(w), last_(std::move(last)) {}

  /// Dense rows in memory of their own; with w = 1 the batch as it is.
  formats::Batch operator()(const formats::Batch& batch);

  std::size_t width() const { return d_ * w_; }
  /// The last rows (at most w - 1, d), with which the next point begins.
  const std::vector<float>& last() const { return last_; }

 private:
  std::size_t d_, w_;
  std::vector<float> last_;
};

/// The rows of a batch as dense rows; a view where they are.
formats::Batch dense(const formats::Batch& batch);

}  // namespace smtrain::rcf
