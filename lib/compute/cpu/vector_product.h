// Products with a vector: what a single model asks of gemm. BLAS's matrix products pay for their packing many times over there, and
// its products with vectors round a row by where it stands.
#pragma once

#include <mutex>
#include <vector>

#include "compute/backend.h"
#include "compute/cpu/learning_kernels.h"

namespace smtrain::compute {

/// Whether VectorProduct does this product: one column, float32. The answer does not depend on the rows of c, so that a row has the
/// same bits with any neighbours.
bool is_vector_product(bool transpose_b, const Mat& b, const Mat& c);

/// c = alpha op(a) b + beta c for a b of one column, by rows of a either way: inner products, or, transposed, rows added up in their
/// order. Bytes do not depend on the threads. Calls exclude each other.
class VectorProduct {
 public:
  VectorProduct(const LearningKernels& kernels, int threads) : kernels_(kernels), threads_(threads) {}
  /// Two operations and 4 bytes of a per number of a.
  void run(bool transpose_a, double alpha, const Mat& a, const Mat& b, double beta, const Mat& c);

 private:
  void add_rows(const Mat& a, const float* b);

  const LearningKernels& kernels_;
  const int threads_;
  std::mutex mutex_;
  std::vector<float> vector_, sums_;  // b, and the result, without gaps
};

}  // namespace smtrain::compute
