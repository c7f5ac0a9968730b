// Scatter matrices: transposed(y) y, of which one triangle is enough.
//
// Floor: d (d + 1) / 2 multiplications and additions per row. Measured, one thread on a busy machine, 785 columns: 85 to 95 useful Gflop/s
// with AVX-512 and 46 with AVX2. Square tiles of dgemm, which packs the columns of every tile anew, come to about 50 by OpenBLAS's AVX-512
// kernels of Debian 12 and to 42 by its AVX2 ones.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "base/machine.h"
#include "compute/cpu/gram_kernels.h"

namespace smtrain::compute {

/// Rows of doubles.
struct RowsView {
  const double* at;
  std::size_t rows, cols, ld;
};

/// The table of a kernel level; the CPU must have it.
const GramKernels& gram_kernels(KernelLevel level);

/// Rows are packed into strips of columns, about a thousand at a time, in memory that is kept from call to call. One caller.
class Gram {
 public:
  Gram(const GramKernels& kernels, int threads) : kernels_(kernels), threads_(threads) {}

  /// The upper triangle of g (cols, cols) += transposed(y) y; what lies below the diagonal is overwritten with anything. The same bytes
  /// for any number of threads, and for AVX2 and AVX-512.
  void add(const RowsView& y, double* g, std::size_t ld);

 private:
  void add_slice(const RowsView& y, double* g, std::size_t ld);
  void pack(const RowsView& y, std::size_t first, std::size_t end);
  void add_strips(const RowsView& y, std::pair<std::size_t, std::size_t> strips, std::size_t first, double* g, std::size_t ld) const;

  const GramKernels& kernels_;
  const int threads_;
  std::shared_ptr<double> packed_;  // strip after strip, each row after row
  std::size_t room_ = 0;            // numbers of packed_
};

}  // namespace smtrain::compute
