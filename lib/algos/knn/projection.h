// What becomes of a row before it is kept or compared: projected, padded with zeros, brought to unit length.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "algos/knn/params.h"
#include "compute/backend.h"
#include "formats/batch.h"
#include "job/staging.h"

namespace smtrain::knn {

/// How rows are shaped: all that a model says of it.
struct Shape {
  Reduction reduction = Reduction::none;
  std::size_t feature_dim = 0;  ///< of rows as they come
  std::size_t target = 0;       ///< of projected rows; without a projection feature_dim
  std::size_t width = 0;        ///< of rows in the index: target, and zeros
  std::uint64_t seed = 0;       ///< of the projection
  bool unit_length = false;     ///< at the end; zero rows stay

  bool changes_rows() const { return reduction != Reduction::none || width != feature_dim || unit_length; }
};

/// The generator of the projection's signs and coordinates, as the metadata name it.
constexpr const char* kGenerator = "philox4x32-10";

/// A projection that keeps squared lengths in expectation:
///   sign  y = R x / sqrt(t), R (t, d) of independent signs (Achlioptas 2003)
///   fjlt  y = sqrt(n / t) S H D x, D random signs, H the orthonormal Walsh-Hadamard transform of n = 2^p >= d numbers, S t distinct
///         coordinates, uniformly (a subsampled randomised Hadamard transform; Ailon & Chazelle 2009)
/// Signs are the bits of a named stream of random numbers of the seed. const and thread-safe.
class Projection {
 public:
  explicit Projection(const Shape& shape);

  /// What other programs need: see the model's files in knn.cc.
  std::string file() const;
  /// Of sign: R / sqrt(t), transposed (d, t).
  const std::vector<float>& matrix() const { return matrix_; }
  /// Of fjlt: y (t) of x (d); `scratch` is overwritten.
  void transform(const float* x, float* y, std::vector<float>& scratch) const;

 private:
  const Shape shape_;
  std::vector<float> matrix_;
  std::vector<float> signs_;                // of fjlt (d)
  std::vector<std::uint64_t> coordinates_;  // of fjlt (t)
  std::size_t padded_ = 0;
};

/// Rows of batches as the index has them. Not thread-safe; one for each thread and backend.
class RowShaper {
 public:
  RowShaper(compute::Backend& backend, const Shape& shape);

  /// Calls use(x, first) for consecutive row ranges that together are the batch: x (n, width) on the device, overwritten by the next.
  void for_each(const formats::Batch& batch, const std::function<void(const compute::Mat& x, std::size_t first)>& use);
  /// The given rows of a batch, (rows, width), on the host.
  std::vector<float> rows_of(const formats::Batch& batch, std::span<const std::size_t> rows);

 private:
  std::vector<float> shaped(std::vector<float> rows, std::size_t count);
  void finish(float* row) const;

  compute::Backend& backend_;
  const Shape shape_;
  const Projection projection_;
  job::DenseStaging staging_;
  compute::Mat matrix_;
};

}  // namespace smtrain::knn
