// Hyperparameters of xgboost: those that training itself looks at. The others go to the engine as they were given.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "job/hyperparameter.h"

namespace smtrain::xgboost {

struct Params {
  std::int64_t num_round = 0;
  std::optional<std::int64_t> num_class;
  std::string objective = "reg:squarederror";
  std::vector<std::string> eval_metric;
  std::string booster = "gbtree";
  std::int64_t csv_weights = 0;
  std::optional<std::int64_t> early_stopping_rounds;
  double subsample = 1, colsample_bytree = 1, colsample_bylevel = 1, colsample_bynode = 1;
  std::string tree_method = "auto";
  std::optional<double> sketch_eps;
  std::optional<std::int64_t> max_bin;
  std::vector<std::string> updater;
  std::string process_type = "default";
  std::vector<std::string> monotone_constraints;
  std::string interaction_constraints;
  std::string sampling_method = "uniform";
  std::optional<double> base_score;
  double tweedie_variance_power = 1.5;
  std::int64_t seed = 0;
  std::optional<std::int64_t> nthread;
  std::int64_t verbosity = 1;
  bool save_model_on_termination = false;
  bool use_dask_gpu_training = false;
  std::optional<std::int64_t> kfold;
  std::int64_t num_cv_round = 1;
  std::string tuning_objective_metric;  ///< as given: "validation:auc"

  bool linear() const { return booster == "gblinear"; }
  bool updates() const { return process_type == "update"; }
  /// The metrics to be computed, each once: eval_metric, and the tuner's.
  std::vector<std::string> metrics() const;
  /// Of those, the ones the engine computes, and the others.
  std::vector<std::string> engine_metrics() const;
  std::vector<std::string> own_metrics() const;
};

/// What labels mean to an objective.
enum class Task { regression, binary, multiclass, ranking, survival };
Task task_of(const std::string& objective);

/// The hyperparameters, their ranges and the rules between them.
job::Table hyperparameters();

}  // namespace smtrain::xgboost
