#include "algos/linear_learner/params.h"

#include <algorithm>

namespace smtrain::linear {
namespace {

// Each value whose default was changed although nothing looks at it.
class Idle {
 public:
  void when(bool idle, const char* name, const char* why) {
    if (idle) found_.push_back(fmt::format("hyperparameter {} has no effect: {}", name, why));
  }
  std::vector<std::string> take() { return std::move(found_); }

 private:
  std::vector<std::string> found_;
};

void advise_on_loss(const Params& p, Idle& idle) {
  const Params standard;
  const Loss loss = loss_of(p);
  const bool eps = loss == Loss::eps_insensitive_squared_loss || loss == Loss::eps_insensitive_absolute_loss;
  idle.when(p.margin != standard.margin && loss != Loss::hinge_loss, "margin", "loss is not hinge_loss");
  idle.when(p.quantile != standard.quantile && loss != Loss::quantile_loss, "quantile", "loss is not quantile_loss");
  idle.when(p.huber_delta != standard.huber_delta && loss != Loss::huber_loss, "huber_delta", "loss is not huber_loss");
  idle.when(p.loss_insensitivity != standard.loss_insensitivity && !eps, "loss_insensitivity",
            "loss is not an eps_insensitive one");
}

void advise_on_task(const Params& p, Idle& idle) {
  const Params standard;
  const bool binary = p.predictor_type == PredictorType::binary_classifier;
  const bool several = p.predictor_type == PredictorType::multiclass_classifier;
  const bool regression = p.predictor_type == PredictorType::regressor;
  idle.when(p.num_classes && *p.num_classes > 1 && !several, "num_classes", "predictor_type is not multiclass_classifier");
  idle.when(p.balance_multiclass_weights && !several, "balance_multiclass_weights",
            "predictor_type is not multiclass_classifier");
  idle.when(p.accuracy_top_k != standard.accuracy_top_k && !several, "accuracy_top_k",
            "predictor_type is not multiclass_classifier");
  idle.when(p.positive_example_weight_mult != standard.positive_example_weight_mult && !binary, "positive_example_weight_mult",
            "predictor_type is not binary_classifier");
  idle.when(p.num_calibration_samples && !binary, "num_calibration_samples", "predictor_type is not binary_classifier");
  idle.when(p.normalize_label.value_or(false) && !regression, "normalize_label", "predictor_type is not regressor");
  idle.when(p.unbias_label.value_or(false) && !regression, "unbias_label", "predictor_type is not regressor");
  idle.when(p.unbias_label.value_or(false) && regression && !p.use_bias, "unbias_label", "use_bias is false");
  idle.when(p.unbias_data.value_or(false) && !p.use_bias, "unbias_data", "use_bias is false");
}

void advise_on_optimizer(const Params& p, Idle& idle) {
  const Optimizer optimizer = optimizer_of(p);
  idle.when(p.momentum && optimizer != Optimizer::sgd, "momentum", "optimizer is not sgd");
  idle.when(p.beta_1 && optimizer != Optimizer::adam, "beta_1", "optimizer is not adam");
  idle.when(p.beta_2 && optimizer != Optimizer::adam, "beta_2", "optimizer is not adam");
  idle.when(p.lr_scheduler_step && !p.use_lr_scheduler, "lr_scheduler_step", "use_lr_scheduler is false");
  idle.when(p.lr_scheduler_factor && !p.use_lr_scheduler, "lr_scheduler_factor", "use_lr_scheduler is false");
  idle.when(p.lr_scheduler_minimum_lr && !p.use_lr_scheduler, "lr_scheduler_minimum_lr", "use_lr_scheduler is false");
  idle.when(p.bias_lr_mult && !p.use_bias, "bias_lr_mult", "use_bias is false");
  idle.when(p.bias_wd_mult && !p.use_bias, "bias_wd_mult", "use_bias is false");
  idle.when(p.init_bias != 0 && !p.use_bias, "init_bias", "use_bias is false");
  idle.when(p.init_scale != Params{}.init_scale && p.init_method != Init::uniform, "init_scale", "init_method is not uniform");
  idle.when(p.init_sigma != Params{}.init_sigma && p.init_method != Init::normal, "init_sigma", "init_method is not normal");
}

void advise_on_selection(const Params& p, Idle& idle) {
  const Params standard;
  const bool binary = p.predictor_type == PredictorType::binary_classifier;
  const auto is_not = [&](Criterion criterion) { return !binary || p.criterion != criterion; };
  idle.when(p.criterion != standard.criterion && !binary, "binary_classifier_model_selection_criteria",
            "predictor_type is not binary_classifier");
  idle.when(p.target_precision != standard.target_precision && is_not(Criterion::recall_at_target_precision), "target_precision",
            "the selection criterion is not recall_at_target_precision");
  idle.when(p.target_recall != standard.target_recall && is_not(Criterion::precision_at_target_recall), "target_recall",
            "the selection criterion is not precision_at_target_recall");
  idle.when(p.f_beta != standard.f_beta && p.predictor_type == PredictorType::regressor, "f_beta", "predictor_type is regressor");
  idle.when(is_tuning(p) && p.num_models.value_or(1) != 1, "num_models", "a tuning job trains one model at a time");
}

template <class E, std::size_t n>
std::optional<E> named(const E (&all)[n], std::string_view name) {
  const auto* found = std::find_if(std::begin(all), std::end(all), [&](E e) { return name == name_of(e); });
  return found == std::end(all) ? std::nullopt : std::optional<E>(*found);
}

}  // namespace

const char* name_of(PredictorType type) {
  switch (type) {
    case PredictorType::binary_classifier: return "binary_classifier";
    case PredictorType::multiclass_classifier: return "multiclass_classifier";
    case PredictorType::regressor: return "regressor";
  }
  return "";
}

const char* name_of(Loss loss) {
  switch (loss) {
    case Loss::automatic: return "auto";
    case Loss::logistic: return "logistic";
    case Loss::hinge_loss: return "hinge_loss";
    case Loss::softmax_loss: return "softmax_loss";
    case Loss::squared_loss: return "squared_loss";
    case Loss::absolute_loss: return "absolute_loss";
    case Loss::quantile_loss: return "quantile_loss";
    case Loss::huber_loss: return "huber_loss";
    case Loss::eps_insensitive_squared_loss: return "eps_insensitive_squared_loss";
    case Loss::eps_insensitive_absolute_loss: return "eps_insensitive_absolute_loss";
  }
  return "";
}

const char* name_of(Optimizer optimizer) {
  switch (optimizer) {
    case Optimizer::automatic: return "auto";
    case Optimizer::adam: return "adam";
    case Optimizer::sgd: return "sgd";
    case Optimizer::rmsprop: return "rmsprop";
    case Optimizer::adagrad: return "adagrad";
  }
  return "";
}

const char* name_of(Criterion criterion) {
  switch (criterion) {
    case Criterion::accuracy: return "accuracy";
    case Criterion::f_beta: return "f_beta";
    case Criterion::f1: return "f1";
    case Criterion::precision_at_target_recall: return "precision_at_target_recall";
    case Criterion::recall_at_target_precision: return "recall_at_target_precision";
    case Criterion::loss_function: return "loss_function";
  }
  return "";
}

std::optional<PredictorType> predictor_type_named(std::string_view name) {
  static constexpr PredictorType all[] = {PredictorType::binary_classifier, PredictorType::multiclass_classifier,
                                          PredictorType::regressor};
  return named(all, name);
}

std::optional<Loss> loss_named(std::string_view name) {
  static constexpr Loss all[] = {Loss::logistic, Loss::hinge_loss, Loss::softmax_loss, Loss::squared_loss, Loss::absolute_loss,
                                 Loss::quantile_loss, Loss::huber_loss, Loss::eps_insensitive_squared_loss,
                                 Loss::eps_insensitive_absolute_loss};
  return named(all, name);
}

std::vector<Loss> losses_of(PredictorType type) {
  switch (type) {
    case PredictorType::binary_classifier: return {Loss::logistic, Loss::hinge_loss};
    case PredictorType::multiclass_classifier: return {Loss::softmax_loss};
    case PredictorType::regressor: break;
  }
  return {Loss::squared_loss, Loss::absolute_loss, Loss::quantile_loss, Loss::huber_loss, Loss::eps_insensitive_squared_loss,
          Loss::eps_insensitive_absolute_loss};
}

Loss loss_of(const Params& p) { return p.loss == Loss::automatic ? losses_of(p.predictor_type).front() : p.loss; }

Optimizer optimizer_of(const Params& p) { return p.optimizer == Optimizer::automatic ? Optimizer::adam : p.optimizer; }

bool normalizes_data(const Params& p, bool sparse) { return p.normalize_data.value_or(!sparse); }

bool normalizes_label(const Params& p) {
  return p.predictor_type == PredictorType::regressor && p.normalize_label.value_or(true);
}

bool unbiases_data(const Params& p) { return p.use_bias && p.unbias_data.value_or(true); }

bool unbiases_label(const Params& p) {
  return p.predictor_type == PredictorType::regressor && p.use_bias && p.unbias_label.value_or(true);
}

std::size_t classes_of(const Params& p) {
  return p.predictor_type == PredictorType::multiclass_classifier ? static_cast<std::size_t>(p.num_classes.value_or(0)) : 1;
}

double criterion_beta(const Params& p) { return p.criterion == Criterion::f1 ? 1.0 : p.f_beta; }

bool is_tuning(const Params& p) { return !p.tuning_objective_metric.empty(); }

std::vector<std::string> advice(const Params& p) {
  Idle idle;
  advise_on_loss(p, idle);
  advise_on_task(p, idle);
  advise_on_optimizer(p, idle);
  advise_on_selection(p, idle);
  std::vector<std::string> all = idle.take();
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace smtrain::linear
