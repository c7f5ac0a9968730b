// The grid: the models that one run trains side by side, and how they differ.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "algos/linear_learner/params.h"

namespace smtrain::linear {

/// The training of one model, with every `auto` resolved.
struct GridPoint {
  double learning_rate = 0.005;
  double wd = 0;
  double l1 = 0;
  std::int64_t lr_scheduler_step = 100;  ///< updates between cuts; 0: the rate stays
  double lr_scheduler_factor = 0.99;
  double lr_scheduler_minimum_lr = 1e-5;
  double momentum = 0;                   ///< sgd
  double beta_1 = 0.9, beta_2 = 0.999;   ///< adam
  double bias_lr_mult = 10;
  double bias_wd_mult = 0;
  double positive_weight = 1;            ///< of rows with label 1; other than 1 for binary classifiers alone

  /// The rate of update number `update`, counted from 0: cut every lr_scheduler_step updates, never below the minimum. A minimum
  /// above the rate to begin with cuts nothing.
  double rate(std::uint64_t update) const;
};

/// How often rows with label 0 and 1 came in the sample that the scaler saw.
struct LabelCounts {
  std::uint64_t negatives = 0, positives = 0;
};

struct Grid {
  std::vector<GridPoint> points;
  std::vector<std::string> warnings;  ///< whole sentences
};

/// The models of a run.
///  - num_models = 1, as in tuning jobs: what is given, and elsewhere the values that `auto` replaced: learning_rate 0.005 (adam,
///    rmsprop), 0.01 (sgd), 0.05 (adagrad), wd 0, l1 0, step 100, factor 0.99, minimum 1e-5, momentum 0, beta 0.9 and 0.999,
///    bias_lr_mult 10, bias_wd_mult 0.
///  - num_models = auto: every combination of wd {1e-4, 1e-2, 1, 100}, learning_rate {0.005, 0.1}, minimum {1e-5, 1e-4} and step
///    {10, 100}, the last moving fastest, as the service's logs have it. A value that is given drops its axis; without
///    the scheduler two are dropped. sgd tries the rates {0.01, 0.1}, adagrad {0.05, 0.5}.
///  - num_models = m: the first m of these in an order that begins with wd 1e-4, learning_rate 0.005, step 100, minimum 1e-5 and
///    moves the rate fastest, then wd, step and minimum. Further ones are drawn log-uniformly, always the same: wd from 1e-5 … 1,
///    learning_rate from 1e-3 … 0.3, step from 10 … 200, factor from 0.98 … 0.999, each where it was not given.
///
/// positive_example_weight_mult: balanced is negatives / positives of `labels`; 1e6 with a warning when it holds no positive row,
/// 1 with a warning when it holds no negative one. auto adds {1, √balanced, balanced} as the slowest axis (one model: √balanced).
Grid make_grid(const Params& params, const LabelCounts& labels);

/// Whether `labels` is looked at.
bool needs_label_counts(const Params& params);

/// A point under the names of its hyperparameters, as canonical texts: what "Best model found for hyperparameters" and the model
/// say of the one that was kept.
std::map<std::string, std::string> chosen(const Params& params, const GridPoint& point);

/// {"lr_scheduler_step": 100, "wd": 0.0001, ...} as the service's log has it.
std::string chosen_json(const Params& params, const GridPoint& point);

}  // namespace smtrain::linear
