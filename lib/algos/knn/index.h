// The index of a model: rows, or codes of rows, in the order they are searched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "algos/knn/params.h"
#include "compute/backend.h"

namespace smtrain::knn {

constexpr std::size_t kCodes = 256;  // centroids of a part of a row: one byte

/// A matrix that is shared, not copied.
struct RowBlock {
  std::shared_ptr<const float> numbers;
  std::size_t rows = 0, d = 0;
  const float* row(std::size_t i) const { return numbers.get() + i * d; }
};

/// Rows are numbered 0 ... rows - 1, in the order of the sample.
struct Index {
  IndexKind kind = IndexKind::flat;
  compute::Closeness closeness = compute::Closeness::distance;
  std::size_t d = 0, rows = 0;

  /// Of flat, by number; of ivf_flat, list after list.
  RowBlock vectors;

  // Inverted files: the rows of list l are at starts[l] ... starts[l + 1] - 1 of ids, and of vectors or codes.
  RowBlock centroids;
  std::size_t probes = 0;  ///< lists that a query looks through
  std::vector<std::uint64_t> starts;
  std::vector<std::int64_t> ids;

  // Product quantisation: a row less its list's centroid, cut in `parts` of d / parts numbers, each the number of its nearest centroid.
  std::size_t parts = 0;
  std::vector<float> part_centroids;  ///< (parts, 256, d / parts)
  std::vector<std::uint8_t> codes;    ///< (rows, parts)

  std::size_t lists() const { return centroids.rows; }
  std::size_t part_width() const { return d / parts; }
};

/// A copy of numbers that nobody else holds.
RowBlock copied_rows(const float* numbers, std::size_t rows, std::size_t d);

}  // namespace smtrain::knn
