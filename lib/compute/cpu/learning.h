// standardize, derive_loss and step on the CPU: how the kernels of learning_kernels.h are spread over threads. Matrices are checked
// by the caller.
#pragma once

#include <vector>

#include "base/machine.h"
#include "compute/backend.h"
#include "compute/cpu/learning_kernels.h"
#include "compute/cpu/sparse_rows.h"

namespace smtrain::compute {

/// The table of a kernel level; the CPU must have it.
const LearningKernels& learning_kernels(KernelLevel level);

void standardize(const LearningKernels& kernels, const Mat& x, const Mat& shift, const Mat& scale, const Mat& y, int threads);

/// Memory of derive_loss and step, kept from call to call; one call at a time.
class Learning {
 public:
  Learning(const LearningKernels& kernels, int threads) : kernels_(kernels), threads_(threads) {}

  void derive_loss(const LossRule& rule, const Mat& labels, const Mat& weights, const Mat& positive, const Mat& bias, const Mat& z,
                   const Mat& bias_gradient, const Mat& loss);
  struct Parameters {
    const Mat &g, &t, &m, &v, &trail;
  };
  /// touched: null: every row of t.
  void step(const StepRule& rule, const Mat& columns, const Parameters& all, const std::vector<std::uint32_t>* touched);

 private:
  void step_rows(const StepRule& rule, double correction, const Parameters& all, const std::vector<std::uint32_t>* touched,
                 std::size_t begin, std::size_t end) const;
  void step_narrow(const StepRule& rule, double correction, const Parameters& all, const std::vector<std::uint32_t>& touched,
                   std::size_t begin, std::size_t end) const;

  const LearningKernels& kernels_;
  const int threads_;
  std::vector<double> sums_;     // of each chunk: bias gradients, losses
  std::vector<float> scratch_;
  std::vector<float> columns_;   // (3, a few rows of t side by side)
  std::size_t repeats_ = 1;
};

}  // namespace smtrain::compute
