#include "compute/cpu/factor.h"

#include "compute/cpu/threads.h"

namespace smtrain::compute {
namespace {

constexpr std::size_t kWork = std::size_t{1} << 15;  // multiplications below which waking a thread costs more than it saves
[[maybe_unused]] constexpr std::size_t kRowsPerTask = 64, kColumnsPerTask = 32;
constexpr std::size_t kAhead = 8;  // columns fetched in advance

}  // namespace

const FactorKernels& factor_kernels(KernelLevel level) {
#if defined(__x86_64__)
  if (level == KernelLevel::avx512) return kFactorAvx512;
  if (level == KernelLevel::avx2) return kFactorAvx2;
#endif
  (void)level;
  return kFactorBaseline;
}

void factor_scores(const FactorKernels& kernels, const CpuSparseRows& x, const Mat& p, const Mat& s, const Mat& z, int threads) {
  const std::size_t k = p.cols - 1;
  [[maybe_unused]] const int team = team_size(threads, x.nonzeros() * p.cols / kWork);
#pragma omp parallel for num_threads(team) if (team > 1) schedule(dynamic, kRowsPerTask)
  for (std::size_t i = 0; i < x.rows(); ++i) {
    const CpuSparseRows::Row row = x.row(i);
    *z.at<float>(i) = kernels.score(row.indices, row.values, row.count, p.at<float>(), p.ld, k, s.at<float>(i));
  }
}

// Each feature's gradient is one task, whatever the threads.
void factor_gradient(const FactorKernels& kernels, const CpuSparseRows& x, const Mat& p, const Mat& s, const Mat& r, const Mat& g,
                     int threads) {
  const auto& [columns, starts, rows, values] = x.by_column(threads);
  [[maybe_unused]] const int team = team_size(threads, x.nonzeros() * p.cols / kWork);
#pragma omp parallel for num_threads(team) if (team > 1) schedule(dynamic, kColumnsPerTask)
  for (std::size_t j = 0; j < columns.size(); ++j) {
    if (j + kAhead < columns.size()) {
      fetch_row(p.at<float>(columns[j + kAhead]), p.cols);
      fetch_row(g.at<float>(columns[j + kAhead]), g.cols);
    }
    const std::size_t begin = starts[j], count = starts[j + 1] - begin;
    kernels.gradient(rows.data() + begin, values.data() + begin, count, r.at<float>(), r.ld, s.at<float>(), s.ld,
                     p.at<float>(columns[j]), p.cols - 1, g.at<float>(columns[j]));
  }
}

}  // namespace smtrain::compute
