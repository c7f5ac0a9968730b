// Scatter matrices: transposed(y) y, of which one triangle is enough.
#pragma once

#include <cstddef>

namespace smtrain::compute {

/// Rows of doubles.
struct RowsView {
  const double* at;
  std::size_t rows, cols, ld;
};

/// The upper triangle of g (cols, cols) += transposed(y) y. It is cut into square tiles, each one single-threaded product of OpenBLAS
/// that adds to g itself, so that the same bytes come out for any number of threads.
void add_gram(const RowsView& y, double* g, std::size_t ld, int threads);

}  // namespace smtrain::compute
