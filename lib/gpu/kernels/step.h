// One step of parameters, all four rules in one kernel: where every row is stepped a thread takes a number; where only marked rows
// are, a block looks at kThreads marks, lists the rows that bear one and spreads their numbers over its threads, so that the cost
// beyond reading the marks is that of the marked rows.
//
// In float32, in the order of the CPU's form and without fused operations.
#pragma once

#include "compute/rules.h"
#include "gpu/kernels/portable.h"

namespace smtrain::gpu {

struct StepArguments {
  using Kind = compute::StepRule::Kind;

  Kind kind = Kind::adam;
  float beta_1 = 0, rest_1 = 0, beta_2 = 0, rest_2 = 0, epsilon = 0;  ///< rest: 1 - beta
  float rescale = 1, clip = INFINITY;
  float correction = 1;            ///< sqrt(1 - beta_2^n) / (1 - beta_1^n)
  const float* columns = nullptr;  ///< rate, decay and l1: three rows of p numbers or of one, ld_columns between them
  std::size_t ld_columns = 0;
  bool one_for_all = false;
  std::size_t d = 0, p = 0;
  float* g = nullptr;  ///< (d, p) as t, m and v, each with its own distance between rows
  float* t = nullptr;
  float* m = nullptr;
  float* v = nullptr;
  float* trail = nullptr;  ///< or null
  std::size_t ldg = 0, ldt = 0, ldm = 0, ldv = 0, ldtrail = 0;
  float trail_weight = 0;

  /// How far the rule moves a parameter at rate 1; keeps the moments.
  SMTRAIN_BOTH float move(std::size_t row, std::size_t column, float gradient) const {
    float* own_m = m == nullptr ? nullptr : m + row * ldm + column;
    float* own_v = v == nullptr ? nullptr : v + row * ldv + column;
    switch (kind) {
      case Kind::sgd: return *own_m = beta_1 * *own_m + gradient;
      case Kind::adam:
        *own_m = beta_1 * *own_m + rest_1 * gradient;
        *own_v = beta_2 * *own_v + rest_2 * (gradient * gradient);
        return correction * *own_m / (sqrtf(*own_v) + epsilon);
      case Kind::rmsprop: *own_v = beta_2 * *own_v + rest_2 * (gradient * gradient); return gradient / (sqrtf(*own_v) + epsilon);
      case Kind::adagrad: *own_v += gradient * gradient; return gradient / (sqrtf(*own_v) + epsilon);
    }
    return 0;
  }

  SMTRAIN_BOTH void step_one(std::size_t row, std::size_t column) const {
    const float* own = columns + (one_for_all ? 0 : column);
    const float rate = own[0], decay = own[ld_columns], threshold = rate * own[2 * ld_columns];
    float& parameter = t[row * ldt + column];
    float& slope = g[row * ldg + column];
    float gradient = rescale * slope + decay * parameter;
    gradient = gradient < -clip ? -clip : gradient > clip ? clip : gradient;
    const float before = parameter, moved = before - rate * move(row, column, gradient);
    parameter = moved - (moved < -threshold ? -threshold : moved > threshold ? threshold : moved);
    slope = 0;
    if (trail != nullptr) trail[row * ldtrail + column] += trail_weight * (parameter - before);
  }
};

struct StepAll : StepArguments {
  static constexpr int kThreads = 256, kBlocksPerProcessor = 1;
  using Shared = Nothing;
  using Registers = Nothing;

  std::size_t blocks() const { return ceil_div(d * p, kThreads); }

  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared&, std::size_t index) const {
    block.phase([&](int thread, Registers&) {
      const std::size_t i = index * kThreads + static_cast<std::size_t>(thread);
      if (i < d * p) step_one(i / p, i % p);
    });
  }
};

struct StepMarked : StepArguments {
  static constexpr int kThreads = 256, kBlocksPerProcessor = 1;
  struct Shared {
    std::uint16_t before[2][kThreads];  // marks up to and with each thread's
    std::uint16_t rows[kThreads];
  };
  struct Registers {
    bool marked;
  };

  std::uint8_t* marks = nullptr;  ///< (d), left without a mark

  std::size_t blocks() const { return ceil_div(d, kThreads); }

  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared& shared, std::size_t index) const {
    const std::size_t first = index * kThreads;
    block.phase([&](int thread, Registers& own) {
      const std::size_t row = first + static_cast<std::size_t>(thread);
      own.marked = row < d && marks[row] != 0;
      shared.before[0][thread] = own.marked ? 1 : 0;
      if (own.marked) marks[row] = 0;
    });
    int from = 0;
    for (int reach = 1; reach < kThreads; reach *= 2) {
      block.phase([&](int thread, Registers&) {
        const int more = thread >= reach ? shared.before[from][thread - reach] : 0;
        shared.before[1 - from][thread] = static_cast<std::uint16_t>(shared.before[from][thread] + more);
      });
      from = 1 - from;
    }
    block.phase([&](int thread, Registers& own) {
      if (own.marked) shared.rows[shared.before[from][thread] - 1] = static_cast<std::uint16_t>(thread);
    });
    block.phase([&](int thread, Registers&) {
      const std::size_t numbers = shared.before[from][kThreads - 1] * p;
      for (std::size_t i = static_cast<std::size_t>(thread); i < numbers; i += kThreads) step_one(first + shared.rows[i / p], i % p);
    });
  }
};

}  // namespace smtrain::gpu
