// The table of kernels behind standardize, derive_loss, step and sparse products: one per instruction set, plain pointers and sizes.
// As with nearest_kernels.h, this header, rules.h and learning_tile.h are all that the sources of one instruction set include.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../rules.h"

namespace smtrain::compute {

/// Scores of some rows, row-major; columns are class-major: c * models + m.
struct ScoreRows {
  float* z = nullptr;
  std::size_t rows = 0, models = 0, ld = 0;
  const float* labels = nullptr;
  const float* weights = nullptr;   ///< or null
  const float* positive = nullptr;  ///< (models), or null
  const float* bias = nullptr;      ///< (classes * models)
};

/// Parameters that lie side by side.
struct StepSpan {
  std::size_t n = 0;
  const float* rate = nullptr;
  const float* decay = nullptr;
  const float* l1 = nullptr;
  float* g = nullptr;
  float* t = nullptr;
  float* m = nullptr;  ///< or null
  float* v = nullptr;  ///< or null
  float* trail = nullptr;  ///< or null
};

struct LearningKernels {
  const char* name;
  /// y = (x - shift) * scale; shift and scale may be null.
  void (*standardize)(const float* x, const float* shift, const float* scale, std::size_t n, float* y);
  void (*standardize_f64)(const float* x, const double* shift, const double* scale, std::size_t n, double* y);
  /// y += a x.
  void (*add_scaled)(float a, const float* x, std::size_t n, float* y);
  /// The inner product of x and y.
  float (*dot)(const float* x, const float* y, std::size_t n);
  /// bias_gradient (classes * models) += and loss (models) +=; `scratch` holds 4 * models numbers.
  void (*derive_loss)(const LossRule& rule, const ScoreRows& rows, float* scratch, double* bias_gradient, double* loss);
  /// `correction`: sqrt(1 - beta_2^n) / (1 - beta_1^n) of adam.
  void (*step)(const StepRule& rule, double correction, const StepSpan& span);
};

extern const LearningKernels kLearningBaseline;
#if defined(__x86_64__)
extern const LearningKernels kLearningAvx2;
extern const LearningKernels kLearningAvx512;
#endif

}  // namespace smtrain::compute
