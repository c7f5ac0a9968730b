// The hyperparameters of linear-learner, typed; names, ranges and defaults are declared in hyperparameters.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "job/hyperparameter.h"

namespace smtrain::linear {

enum class PredictorType { binary_classifier, multiclass_classifier, regressor };

/// `automatic` stands in Params alone; loss_of() says what it means.
enum class Loss {
  automatic,
  logistic,
  hinge_loss,
  softmax_loss,
  squared_loss,
  absolute_loss,
  quantile_loss,
  huber_loss,
  eps_insensitive_squared_loss,
  eps_insensitive_absolute_loss,
};

/// `automatic` is adam; adagrad is smtrain's addition to the service's list.
enum class Optimizer { automatic, adam, sgd, rmsprop, adagrad };

enum class Init { uniform, normal };

/// What picks the model and the decision threshold of a binary classifier; f1 is f_beta with β = 1.
enum class Criterion { accuracy, f_beta, f1, precision_at_target_recall, recall_at_target_precision, loss_function };

/// A weight, "balanced" or "auto".
using PositiveWeight = std::variant<double, std::string>;

/// nullopt is `auto` wherever a default below does not say otherwise.
struct Params {
  PredictorType predictor_type = PredictorType::binary_classifier;
  std::optional<std::int64_t> num_classes;  ///< nullopt: not given
  std::optional<std::int64_t> feature_dim;
  std::int64_t epochs = 15;
  std::int64_t mini_batch_size = 1000;

  Loss loss = Loss::automatic;
  double margin = 1;
  double quantile = 0.5;
  double huber_delta = 1;
  double loss_insensitivity = 0.01;
  PositiveWeight positive_example_weight_mult = 1.0;
  bool balance_multiclass_weights = false;

  Optimizer optimizer = Optimizer::automatic;
  std::optional<double> learning_rate, wd, l1;
  std::optional<double> momentum, beta_1, beta_2;
  std::optional<double> bias_lr_mult, bias_wd_mult;
  bool use_lr_scheduler = true;
  std::optional<std::int64_t> lr_scheduler_step;
  std::optional<double> lr_scheduler_factor, lr_scheduler_minimum_lr;

  bool use_bias = true;
  Init init_method = Init::uniform;
  double init_scale = 0.07;
  double init_sigma = 0.01;
  double init_bias = 0;

  std::optional<bool> normalize_data = true;
  std::optional<bool> normalize_label, unbias_data, unbias_label;
  std::int64_t num_point_for_scaler = 10000;

  std::optional<std::int64_t> num_models;
  std::int64_t early_stopping_patience = 3;
  double early_stopping_tolerance = 0.001;
  Criterion criterion = Criterion::accuracy;  ///< binary_classifier_model_selection_criteria
  double target_precision = 0.8;
  double target_recall = 0.8;
  double f_beta = 1;
  std::int64_t accuracy_top_k = 3;
  std::optional<std::int64_t> num_calibration_samples;

  std::string tuning_objective_metric;  ///< _tuning_objective_metric: not empty in a tuning job
};

/// The table, with the rules across values.
job::Table hyperparameters();

/// The texts of the enumerators, as the table spells them.
const char* name_of(PredictorType type);
const char* name_of(Loss loss);
const char* name_of(Optimizer optimizer);
const char* name_of(Criterion criterion);
/// By those texts; nullopt for any other.
std::optional<PredictorType> predictor_type_named(std::string_view name);
std::optional<Loss> loss_named(std::string_view name);

/// The losses of a predictor type; the first is what auto means.
std::vector<Loss> losses_of(PredictorType type);

// What `auto` comes to where neither data nor other models decide.
Loss loss_of(const Params& p);
Optimizer optimizer_of(const Params& p);
bool normalizes_data(const Params& p, bool sparse);  ///< auto: dense rows alone
bool normalizes_label(const Params& p);  ///< never but in regression
bool unbiases_data(const Params& p);     ///< never without use_bias
bool unbiases_label(const Params& p);    ///< never but in regression with use_bias
/// Columns of weights of one model: num_classes, or 1.
std::size_t classes_of(const Params& p);
/// β of the F score that the criterion maximises.
double criterion_beta(const Params& p);
/// Whether this is a step of a tuning job: one model is trained, whatever num_models says.
bool is_tuning(const Params& p);

/// Warnings about values that were given and have no effect beside the others, one sentence each, by name.
std::vector<std::string> advice(const Params& p);

}  // namespace smtrain::linear
