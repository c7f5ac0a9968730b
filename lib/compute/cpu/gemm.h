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

/// c = alpha * op(a) op(b) + beta * c, f32 or f64. The product is cut into tiles of fixed shape, each one single-threaded
/// call; rows past the last full tile are padded, so that bits do not depend on the threads. In f64 a row's bits do not
/// depend on its neighbours either; in f32 they still do: OpenBLAS's Haswell sgemm rounds rows by their place in a tile.
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
  std::vector<std::shared_ptr<char>> tiles_;  // one per thread
  std::vector<double> tail_;                  // the padded rows of a; grows, never shrinks
};

}  // namespace smtrain::compute
