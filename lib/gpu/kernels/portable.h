// Kernels that run on the device and, in tests, on the CPU.
//
// A kernel is a struct of plain arguments with
//   kThreads            threads of a block,
//   Shared              memory that the threads of a block share,
//   Registers           what one thread keeps from phase to phase,
//   run(block, shared, index)   the work of block `index` of the grid.
// run is written in phases: block.phase(f) calls f(thread, registers) for every thread of the block, then waits for all of them.
// Within a phase no thread may read what another one writes, so that phases may run their threads in any order: the device runs
// them at once, a test in any sequence it likes. What is outside of phases is the same for all threads of a block.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#ifdef __CUDACC__
#define SMTRAIN_BOTH __host__ __device__
#define SMTRAIN_UNROLL_ALL _Pragma("unroll")
#else
#define SMTRAIN_BOTH
#define SMTRAIN_UNROLL_ALL
#endif

namespace smtrain::gpu {

struct Nothing {};

/// a * b + c, rounded once, whatever the compiler's mood.
SMTRAIN_BOTH inline float fused(float a, float b, float c) { return fmaf(a, b, c); }

SMTRAIN_BOTH constexpr std::size_t ceil_div(std::size_t a, std::size_t b) { return a / b + (a % b != 0 ? 1 : 0); }

/// The sum over `lanes` (a power of two) threads beside each other, by a tree whose shape depends on `lanes` alone. values[t]
/// belongs to thread t; the sum ends in the first of the lanes.
template <class Block, class T>
SMTRAIN_BOTH void tree_sum(Block& block, T* values, int lanes) {
  for (int width = lanes / 2; width > 0; width /= 2) {
    block.phase([&](int t, auto&) {
      if (t % lanes < width) values[t] += values[t + width];
    });
  }
}

}  // namespace smtrain::gpu
