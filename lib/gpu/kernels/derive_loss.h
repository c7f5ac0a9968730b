// What scores cost, their derivatives, and sums of both by column.
//
// A tile is kRows rows of up to kAcross columns: threads beside each other take columns beside each other, each every
// kThreads / across()-th row of the tile from its own on; a tree adds them up in float64, and AddTiles the tiles. Every tile and
// tree follows from the shape alone. Losses of one score are judged and summed in one kernel; for softmax `lanes` threads share the
// classes of a row and model, and sums are taken from what they leave.
#pragma once

#include "compute/rules.h"
#include "gpu/kernels/portable.h"

namespace smtrain::gpu {

/// What one score costs, and its derivative.
struct Cost {
  float loss, slope;
};

struct Judge {
  using Loss = compute::Loss;

  Loss loss = Loss::squared;
  float a = 0, b = 0;  ///< what the loss has: quantile; delta; epsilon^2; epsilon; (margin + 1) / 2 and (margin - 1) / 2

  SMTRAIN_BOTH static float sign(float e) { return e > 0 ? 1.0f : e < 0 ? -1.0f : 0.0f; }
  SMTRAIN_BOTH static float positive_part(float e) { return e > 0 ? e : 0.0f; }

  SMTRAIN_BOTH Cost regress(float e) const {
    const float size = fabsf(e);
    switch (loss) {
      case Loss::absolute: return {size, sign(e)};
      case Loss::quantile: return {e > 0 ? (1 - a) * e : -a * e, e > 0 ? 1 - a : e < 0 ? -a : 0.0f};
      case Loss::huber: return {size < a ? 0.5f * e * e : a * size - 0.5f * a * a, size < a ? e : a * sign(e)};
      case Loss::eps_squared: return {positive_part(e * e - a), e * e > a ? 2 * e : 0.0f};
      case Loss::eps_absolute: return {positive_part(size - a), size > a ? sign(e) : 0.0f};
      default: return {e * e, 2 * e};
    }
  }

  /// `y` is 0 or 1, `p` the weight of 1.
  SMTRAIN_BOTH Cost classify(float f, float y, float p) const {
    const float positive = p * y, negative = 1 - y;
    if (loss == Loss::hinge) {
      const float short_of = a - f, beyond = f + b;
      return {positive * positive_part(short_of) + negative * positive_part(beyond),
              (beyond > 0 ? negative : 0.0f) - (short_of > 0 ? positive : 0.0f)};
    }
    const float e = expf(-fabsf(f)), one = 1.0f / (1.0f + e), other = e * one, tail = log1pf(e);
    const float s = f > 0 ? one : other, rest = f > 0 ? other : one;  // s(f) and 1 - s(f), both without cancellation
    return {positive * (positive_part(-f) + tail) + negative * (positive_part(f) + tail), negative * s - positive * rest};
  }

  SMTRAIN_BOTH Cost operator()(float f, float y, float p) const {
    return loss == Loss::logistic || loss == Loss::hinge ? classify(f, y, p) : regress(f - y);
  }
};

/// How columns (n, width) are cut into tiles.
struct ColumnTiles {
  static constexpr int kThreads = 256, kRows = 256, kAcross = 32, kBlocksPerProcessor = 1;
  using Registers = Nothing;

  std::size_t n = 0, width = 0;

  SMTRAIN_BOTH static std::size_t row_tiles(std::size_t n) { return ceil_div(n, kRows); }
  SMTRAIN_BOTH int across() const {
    int columns = 1;
    while (columns < kAcross && static_cast<std::size_t>(columns) < width) columns *= 2;
    return columns;
  }
  SMTRAIN_BOTH std::size_t column_tiles() const { return ceil_div(width, static_cast<std::size_t>(across())); }
  std::size_t blocks() const { return row_tiles(n) * column_tiles(); }

  SMTRAIN_BOTH std::size_t column_of(std::size_t index, int t) const {
    return index % column_tiles() * static_cast<std::size_t>(across()) + static_cast<std::size_t>(t % across());
  }
  /// Calls each(row) for the rows of a thread.
  template <class Each>
  SMTRAIN_BOTH void each_row(std::size_t index, int t, const Each& each) const {
    const std::size_t first = index / column_tiles() * kRows, end = first + kRows < n ? first + kRows : n;
    const auto step = static_cast<std::size_t>(kThreads / across());
    for (std::size_t row = first + static_cast<std::size_t>(t / across()); row < end; row += step) each(row);
  }
  /// The sums of columns end in the first across() threads.
  template <class Block>
  SMTRAIN_BOTH void sum_down(Block& block, double* values) const {
    for (int reach = kThreads / 2; reach >= across(); reach /= 2) {
      block.phase([&](int t, Registers&) {
        if (t < reach) values[t] += values[t + reach];
      });
    }
  }
  /// Writes the sum of a column where AddTiles expects it.
  SMTRAIN_BOTH void leave(std::size_t index, int t, const double* values, double* tiles) const {
    const std::size_t column = column_of(index, t);
    if (t < across() && column < width) tiles[index / column_tiles() * width + column] = values[t];
  }
};

/// Losses of one score a model: z (n, width) becomes their derivatives.
struct JudgeTiles : ColumnTiles {
  struct Shared {
    double slope[kThreads], loss[kThreads];
  };

  Judge judge;
  const float* labels = nullptr;    ///< (n)
  const float* weights = nullptr;   ///< (n) or null
  const float* positive = nullptr;  ///< (width) or null
  const float* bias = nullptr;      ///< (width)
  float* z = nullptr;
  std::size_t ldz = 0;
  double* slope_tiles = nullptr;  ///< (row tiles, width)
  double* loss_tiles = nullptr;   ///< (row tiles, width)

  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared& shared, std::size_t index) const {
    block.phase([&](int t, Registers&) {
      const std::size_t column = column_of(index, t);
      double slopes = 0, losses = 0;
      if (column < width) {
        const float own_bias = bias[column], p = positive == nullptr ? 1.0f : positive[column];
        each_row(index, t, [&](std::size_t row) {
          float& at = z[row * ldz + column];
          const float w = weights == nullptr ? 1.0f : weights[row];
          const Cost cost = judge(at + own_bias, labels[row], p);
          at = w * cost.slope;
          slopes += static_cast<double>(at);
          losses += static_cast<double>(w * cost.loss);
        });
      }
      shared.slope[t] = slopes;
      shared.loss[t] = losses;
    });
    sum_down(block, shared.slope);
    sum_down(block, shared.loss);
    block.phase([&](int t, Registers&) {
      leave(index, t, shared.slope, slope_tiles);
      leave(index, t, shared.loss, loss_tiles);
    });
  }
};

/// Sums of numbers that are there.
struct SumTiles : ColumnTiles {
  struct Shared {
    double sum[kThreads];
  };

  const float* x = nullptr;  ///< (n, width), ldx numbers between rows
  std::size_t ldx = 0;
  double* tiles = nullptr;  ///< (row tiles, width)

  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared& shared, std::size_t index) const {
    block.phase([&](int t, Registers&) {
      const std::size_t column = column_of(index, t);
      double sum = 0;
      if (column < width) each_row(index, t, [&](std::size_t row) { sum += static_cast<double>(x[row * ldx + column]); });
      shared.sum[t] = sum;
    });
    sum_down(block, shared.sum);
    block.phase([&](int t, Registers&) { leave(index, t, shared.sum, tiles); });
  }
};

/// to (width) += the sums of tiles (n, width), in the type of `to` at last; kLanes threads share a column.
template <class T>
struct AddTiles {
  static constexpr int kThreads = 256, kLanes = 32, kBlocksPerProcessor = 1;
  struct Shared {
    double sum[kThreads];
  };
  using Registers = Nothing;

  const double* tiles = nullptr;
  std::size_t n = 0, width = 0;
  T* to = nullptr;

  std::size_t blocks() const { return ceil_div(width, kThreads / kLanes); }

  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared& shared, std::size_t index) const {
    const auto column_of = [&](int t) { return index * (kThreads / kLanes) + static_cast<std::size_t>(t / kLanes); };
    block.phase([&](int t, Registers&) {
      const std::size_t column = column_of(t);
      double sum = 0;
      for (std::size_t i = static_cast<std::size_t>(t % kLanes); column < width && i < n; i += kLanes) sum += tiles[i * width + column];
      shared.sum[t] = sum;
    });
    tree_sum(block, shared.sum, kLanes);
    block.phase([&](int t, Registers&) {
      const std::size_t column = column_of(t);
      if (t % kLanes == 0 && column < width) to[column] = static_cast<T>(static_cast<double>(to[column]) + shared.sum[t]);
    });
  }
};

/// z (n, classes * models) becomes the derivatives of softmax; a column is class * models + model.
struct Soften {
  static constexpr int kThreads = 256, kBlocksPerProcessor = 1;
  struct Shared {
    float most[kThreads], own[kThreads];
    double sum[kThreads];
  };
  using Registers = Nothing;

  const float* labels = nullptr;   ///< (n)
  const float* weights = nullptr;  ///< (n) or null
  const float* bias = nullptr;     ///< (classes * models)
  std::size_t n = 0, classes = 0, models = 0;
  float* z = nullptr;
  std::size_t ldz = 0;
  float* losses = nullptr;  ///< (n, models)

  /// Threads that share a row and model.
  SMTRAIN_BOTH int lanes() const { return classes <= 16 ? 1 : 32; }
  std::size_t blocks() const { return ceil_div(n * models * static_cast<std::size_t>(lanes()), kThreads); }

  /// The row and model of a thread; false where there is none.
  struct Place {
    std::size_t row, model;
    bool there;
  };
  SMTRAIN_BOTH Place place_of(std::size_t index, int t) const {
    const std::size_t i = (index * kThreads + static_cast<std::size_t>(t)) / static_cast<std::size_t>(lanes());
    return {i / models, i % models, i / models < n};
  }
  SMTRAIN_BOTH float score(const Place& at, std::size_t c) const {
    return z[at.row * ldz + c * models + at.model] + bias[c * models + at.model];
  }
  template <class Each>
  SMTRAIN_BOTH void each_class(int t, const Each& each) const {
    for (std::size_t c = static_cast<std::size_t>(t % lanes()); c < classes; c += static_cast<std::size_t>(lanes())) each(c);
  }

  template <class Block>
  SMTRAIN_BOTH void run(Block& block, Shared& shared, std::size_t index) const {
    block.phase([&](int t, Registers&) {
      const Place at = place_of(index, t);
      float most = -INFINITY;
      if (at.there) {
        each_class(t, [&](std::size_t c) {
          const float own = score(at, c);
          if (own > most) most = own;
        });
      }
      shared.most[t] = most;
    });
    for (int width = lanes() / 2; width > 0; width /= 2) {
      block.phase([&](int t, Registers&) {
        if (t % lanes() < width && shared.most[t + width] > shared.most[t]) shared.most[t] = shared.most[t + width];
      });
    }
    block.phase([&](int t, Registers&) {
      const Place at = place_of(index, t);
      const int leader = t - t % lanes();
      double sum = 0;
      if (at.there) {
        const std::size_t label = static_cast<std::size_t>(labels[at.row]);
        each_class(t, [&](std::size_t c) {
          const float own = score(at, c);
          if (c == label) shared.own[leader] = own;
          sum += static_cast<double>(expf(own - shared.most[leader]));
        });
      }
      shared.sum[t] = sum;
    });
    tree_sum(block, shared.sum, lanes());
    block.phase([&](int t, Registers&) {
      const Place at = place_of(index, t);
      if (!at.there) return;
      const int leader = t - t % lanes();
      const float w = weights == nullptr ? 1.0f : weights[at.row], most = shared.most[leader];
      const auto sum = static_cast<float>(shared.sum[leader]);
      const std::size_t label = static_cast<std::size_t>(labels[at.row]);
      each_class(t, [&](std::size_t c) {
        z[at.row * ldz + c * models + at.model] = expf(score(at, c) - most) * (w / sum) - (c == label ? w : 0.0f);
      });
      if (t == leader) losses[at.row * models + at.model] = w * (logf(sum) + (most - shared.own[leader]));
    });
  }
};

}  // namespace smtrain::gpu
