// Searching an index: all of its rows, or the lists nearest to each query.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "algos/knn/index.h"
#include "compute/backend.h"

namespace smtrain::knn {

/// The nearest rows of some queries, (queries, k), nearest first, the lower row first among equals. Where an inverted file held fewer
/// candidates, the places left have id -1 and a score that is no number.
struct Neighbours {
  std::size_t k = 0;
  std::vector<std::int64_t> ids;
  std::vector<float> scores;  ///< squared distances ascending, or products descending
};

/// An index made ready on a device; the index must outlive it. Not thread-safe.
class Searcher {
 public:
  Searcher(compute::Backend& backend, const Index& index);

  /// Of x (n, d). k is at most the rows of the index; `probes` 0: the index's own. A query that finds no candidate goes on to further
  /// lists until it has one.
  Neighbours find(const compute::Mat& x, std::size_t k, std::size_t probes = 0);

 private:
  void find_in_lists(const compute::Mat& x, std::size_t probes, Neighbours& out);

  compute::Backend& backend_;
  const Index& index_;
  std::unique_ptr<compute::Backend::Points> points_;  // of the rows, or of the centroids
};

}  // namespace smtrain::knn
