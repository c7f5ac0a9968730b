// factor_scores and factor_gradient on the CPU: how the kernels of factor_kernels.h are spread over threads. Matrices are checked by
// the caller.
//
// Floor of a row with n numbers that are not zero, at k factors: 2 n k multiplications and additions forward, n (4 k + 4) bytes of p
// read; as many backward, with rows of s in place of rows of p. A step of the optimizer reads and writes 4 arrays of k + 1 numbers
// for each feature of the mini-batch, which at few numbers a row is most of the time.
// Measured, one thread of AVX-512 on a busy machine, 64 factors, per number that is not zero: 0.06 ns a factor forward and 0.04 backward
// where p is in cache and columns are long; 2 numbers a row of 9742 features: 11 ns and 20 ns,
// and a step of 0.6 ns a parameter; 39 numbers a row of 2^20 features, from memory: 25 ns, 35 ns, and 1.6 ns a parameter.
#pragma once

#include "base/machine.h"
#include "compute/backend.h"
#include "compute/cpu/factor_kernels.h"
#include "compute/cpu/sparse_rows.h"

namespace smtrain::compute {

/// The table of a kernel level; the CPU must have it.
const FactorKernels& factor_kernels(KernelLevel level);

/// As Backend::factor_scores; may be called from several threads at once.
void factor_scores(const FactorKernels& kernels, const CpuSparseRows& x, const Mat& p, const Mat& s, const Mat& z, int threads);
/// As Backend::factor_gradient, but for the set of rows.
void factor_gradient(const FactorKernels& kernels, const CpuSparseRows& x, const Mat& p, const Mat& s, const Mat& r, const Mat& g,
                     int threads);

}  // namespace smtrain::compute
