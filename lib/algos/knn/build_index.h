// From the rows of a sample to an index.
#pragma once

#include "algos/knn/index.h"
#include "algos/knn/params.h"
#include "base/random.h"
#include "compute/backend.h"

namespace smtrain::knn {

struct IndexPlan {
  IndexKind kind = IndexKind::flat;
  compute::Closeness closeness = compute::Closeness::distance;
  std::size_t lists = 0, probes = 0;
  std::size_t parts = 0;  ///< divides the width of a row
};

/// Centroids are learnt as faiss does by default: 25 rounds of Lloyd's algorithm from random rows, on at most 256 rows per centroid, an
/// empty cluster taking half of a large one. Where products are compared they have unit length. The same bytes for any number of
/// threads. A stop request ends it (base/signals.h).
Index build_index(compute::Backend& backend, const RowBlock& rows, const IndexPlan& plan, RandomStream random);

/// The centroids of rows (n, d), `ld` numbers apart: (count, d). n >= 1; with fewer rows than centroids some are alike.
std::vector<float> learn_centroids(compute::Backend& backend, const compute::Mat& rows, std::size_t count, bool unit_length,
                                   RandomStream& random);

/// The number of each row's nearest centroid.
std::vector<std::int32_t> assign(compute::Backend& backend, const compute::Mat& rows, const float* centroids, std::size_t count);

}  // namespace smtrain::knn
