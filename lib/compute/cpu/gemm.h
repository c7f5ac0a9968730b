// Matrix products through OpenBLAS: the one place that calls it.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "compute/backend.h"

namespace smtrain::compute {

/// Throws a machine Error unless the OpenBLAS in this process is the OpenMP flavour: the pthread build would start threads
/// inside our parallel regions.
void require_openmp_blas();

/// c = alpha * op(a) op(b) + beta * c, f32 or f64. A row's bits depend neither on its neighbours nor on the threads:
///  - The product is cut into tiles, each one single-threaded call; rows past the last full tile are padded with zeros.
///  - A tile is computed transposed, so that our rows lie along the vectors of OpenBLAS's kernels, and between margins of
///    zero rows: its Haswell sgemm rounds the first and the last eight rows of a call differently from those between (and,
///    across the vectors, every other six rows; padding to 16 alone is not enough).
/// The tiles are kept from call to call; calls exclude each other.
class Gemm {
 public:
  explicit Gemm(int threads);
  void run(bool transpose_a, bool transpose_b, double alpha, const Mat& a, const Mat& b, double beta, const Mat& c);

 private:
  template <class T>
  void run_as(bool transpose_a, bool transpose_b, double alpha, const Mat& a, const Mat& b, double beta, const Mat& c);

  int threads_;
  std::mutex mutex_;
  struct Scratch {
    std::vector<double> rows, tile;  // rows of a between margins; the transposed result. They grow, never shrink.
  };
  std::vector<Scratch> scratch_;  // one per thread
};

}  // namespace smtrain::compute
