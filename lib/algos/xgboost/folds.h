// Cross-validation: models of folds, and what they say of the rows that they have not seen.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "algos/xgboost/artifact.h"
#include "algos/xgboost/boosting.h"

namespace smtrain::xgboost {

/// The fold (0 … folds - 1) of every row: each fold has as many rows as any other, but for one, and, with `stratified`, of each label too.
std::vector<int> assign_folds(std::span<const float> labels, std::size_t folds, bool stratified, RandomStream random);

/// Answers of models for rows they were not trained on, of several repetitions.
class OutOfFold {
 public:
  OutOfFold(const Params& params, std::span<const float> labels);

  /// What a model says of these rows; `scores`: predictions, of multi:softmax the margins.
  void add(std::span<const int> rows, std::span<const float> scores);
  /// label, mean prediction; with classes label, mean probability (of the class predicted), the class most often predicted (the lowest of
  /// several). Six decimals, a line per row.
  std::string csv() const;

 private:
  const Params& params_;
  const bool classes_;
  std::vector<float> labels_;
  std::vector<double> sums_;              // of predictions or probabilities
  std::vector<std::vector<int>> votes_;   // (rows, repetitions)
  std::vector<double> times_;
};

/// Trains the folds' models on the rows of `data`. Returns them with predictions.csv.
Artifact train_folds(const BoostingPlan& plan, const DMatrix& data, job::Context& context);

}  // namespace smtrain::xgboost
