// Eigenproblems of symmetric matrices on the host, by LAPACK.
#pragma once

#include <cstddef>
#include <vector>

namespace smtrain::compute {

/// Eigenvalues in ascending order, and unit eigenvectors that are orthogonal to each other.
struct Eigen {
  std::vector<double> values;   ///< (count)
  std::vector<double> vectors;  ///< (count, n): row i belongs to values[i]
};

/// The `count` largest eigenvalues of the symmetric matrix a (n, n) and their vectors; 1 <= count <= n. Only the upper triangle of `a`
/// is looked at, and all of it is overwritten. The same bytes for any number of threads: it runs on the calling one. The sign of a
/// vector is LAPACK's choice. Needs 8 (count + 40) n bytes beside `a`. Throws a machine Error when the numbers are not finite or do not
/// converge. (dsyevr: Dhillon & Parlett 2004 for all of them; bisection and inverse iteration for some.)
Eigen largest_eigen(double* a, std::size_t n, std::size_t count);

}  // namespace smtrain::compute
