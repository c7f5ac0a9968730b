#include "compute/eigen.h"

#include <f77blas.h>

#include <algorithm>

#include "base/error.h"
#include "compute/cpu/one_thread.h"

extern "C" void dsyevr_(const char* jobz, const char* range, const char* uplo, const blasint* n, double* a, const blasint* lda,
                        const double* vl, const double* vu, const blasint* il, const blasint* iu, const double* abstol, blasint* m,
                        double* w, double* z, const blasint* ldz, blasint* isuppz, double* work, const blasint* lwork, blasint* iwork,
                        const blasint* liwork, blasint* info, std::size_t, std::size_t, std::size_t);

namespace smtrain::compute {
namespace {

struct Workspace {
  std::vector<double> numbers{0.0};
  std::vector<blasint> counts{0}, support;
};

// One call: with sizes of -1 it only asks how much workspace it wants. Our upper triangle by rows is LAPACK's lower one by columns, and
// its vectors, which are columns there, are rows here.
blasint solve(double* a, std::size_t n, std::size_t count, bool asks, Workspace& work, std::vector<double>& values, double* vectors) {
  const blasint size = static_cast<blasint>(n), first = static_cast<blasint>(n - count + 1);
  const blasint numbers = asks ? -1 : static_cast<blasint>(work.numbers.size()), counts = asks ? -1 : static_cast<blasint>(work.counts.size());
  const double unused = 0;
  blasint found = 0, info = 0;
  dsyevr_("V", count == n ? "A" : "I", "L", &size, a, &size, &unused, &unused, &first, &size, &unused, &found, values.data(), vectors, &size,
          work.support.data(), work.numbers.data(), &numbers, work.counts.data(), &counts, &info, 1, 1, 1);
  if (info == 0 && !asks && found != static_cast<blasint>(count)) return -1;
  return info;
}

}  // namespace

Eigen largest_eigen(double* a, std::size_t n, std::size_t count) {
  if (count < 1 || count > n) throw internal_error("largest_eigen: {} values of a matrix of {} rows", count, n);
  const OneThread guard;
  Eigen eigen{std::vector<double>(n), std::vector<double>(count * n)};
  Workspace work;
  work.support.resize(2 * n);
  blasint info = solve(a, n, count, true, work, eigen.values, eigen.vectors.data());
  if (info == 0) {
    work.numbers.resize(static_cast<std::size_t>(work.numbers[0]));
    work.counts.resize(static_cast<std::size_t>(work.counts[0]));
    info = solve(a, n, count, false, work, eigen.values, eigen.vectors.data());
  }
  if (info != 0) throw machine_error("the eigenvalues of a matrix of {} rows were not found (LAPACK's dsyevr: {})", n, info);
  eigen.values.resize(count);
  return eigen;
}

}  // namespace smtrain::compute
