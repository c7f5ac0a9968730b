#include "algos/linear_learner/params.h"

namespace smtrain::linear {
namespace {

using job::boolean;
using job::choice;
using job::ignored;
using job::integer;
using job::Kind;
using job::number;
using job::Scale;

using Hyperparameters = std::vector<job::Hyperparameter>;

std::vector<job::ChoiceDeclaration<Params, PredictorType>::Option> predictor_types() {
  return {{"binary_classifier", PredictorType::binary_classifier},
          {"multiclass_classifier", PredictorType::multiclass_classifier},
          {"regressor", PredictorType::regressor}};
}

std::vector<job::ChoiceDeclaration<Params, Loss>::Option> losses() {
  std::vector<job::ChoiceDeclaration<Params, Loss>::Option> options;
  for (PredictorType type : {PredictorType::binary_classifier, PredictorType::multiclass_classifier, PredictorType::regressor}) {
    for (Loss loss : losses_of(type)) options.push_back({name_of(loss), loss});
  }
  return options;
}

std::vector<job::ChoiceDeclaration<Params, Criterion>::Option> criteria() {
  return {{"accuracy", Criterion::accuracy},
          {"f_beta", Criterion::f_beta},
          {"f1", Criterion::f1},
          {"precision_at_target_recall", Criterion::precision_at_target_recall},
          {"recall_at_target_precision", Criterion::recall_at_target_precision},
          {"loss_function", Criterion::loss_function, {"cross_entropy_loss"}}};
}

Hyperparameters task() {
  return {
      choice("predictor_type", &Params::predictor_type)
          .of(predictor_types())
          .required()
          .help("What is predicted: one of two classes, one of several, or a number."),
      integer("num_classes", &Params::num_classes)
          .between(1, 1000000)
          .help("The number of classes, at least 3. Required by a multiclass_classifier, without effect otherwise."),
      integer("feature_dim", &Params::feature_dim)
          .or_auto()
          .at_least(1)
          .or_else("auto")
          .help("The number of feature columns; auto is what the first record has. Checked against the data when given."),
      integer("epochs", &Params::epochs).at_least(1).or_else("15").help("Most passes over the train channel."),
      integer("mini_batch_size", &Params::mini_batch_size)
          .at_least(1)
          .or_else("1000")
          .tunable(100, 5000)
          .help("Rows of a mini-batch. 1 is stochastic descent; as many as there are rows is batch descent."),
  };
}

Hyperparameters loss() {
  return {
      choice("loss", &Params::loss)
          .of(losses())
          .or_auto()
          .or_else("auto")
          .help("What training minimises. auto is logistic, softmax_loss or squared_loss, by predictor_type."),
      number("margin", &Params::margin).at_least(0).or_else("1.0").help("The margin of hinge_loss."),
      number("quantile", &Params::quantile)
          .above(0)
          .below(1)
          .or_else("0.5")
          .help("With quantile_loss: the share of labels that lie below the prediction."),
      number("huber_delta", &Params::huber_delta)
          .above(0)
          .or_else("1.0")
          .help("With huber_loss: the error, in units of the label, from which the loss grows linearly."),
      number("loss_insensitivity", &Params::loss_insensitivity)
          .above(0)
          .or_else("0.01")
          .help("With the eps_insensitive losses: the error, in units of the label, up to which nothing is lost."),
      number("positive_example_weight_mult", &Params::positive_example_weight_mult)
          .or_words({"balanced", "auto"})
          .above(0)
          .or_else("1.0")
          .tunable(1e-5, 1e5, Scale::logarithmic)
          .help(
              "Weight of rows with label 1 in a binary_classifier; those with label 0 weigh 1. balanced makes both classes weigh "
              "the same; auto trains models with several weights and keeps the best."),
      boolean("balance_multiclass_weights", &Params::balance_multiclass_weights)
          .or_else("false")
          .help("Whether the classes of a multiclass_classifier weigh the same, however often they occur."),
  };
}

Hyperparameters optimizer() {
  return {
      choice("optimizer", &Params::optimizer)
          .of({{"adam", Optimizer::adam},
               {"sgd", Optimizer::sgd},
               {"rmsprop", Optimizer::rmsprop},
               {"adagrad", Optimizer::adagrad}})
          .or_auto()
          .or_else("auto")
          .help("The update rule; auto is adam. adagrad is an addition to the service's list."),
      number("learning_rate", &Params::learning_rate)
          .or_auto()
          .above(0)
          .or_else("auto")
          .tunable(1e-5, 1, Scale::logarithmic)
          .help("Step size. auto depends on the optimizer; of several models some take a larger one."),
      number("wd", &Params::wd)
          .or_auto()
          .at_least(0)
          .or_else("auto")
          .tunable(1e-7, 1, Scale::logarithmic)
          .help("Strength of L2 regularisation. auto: 0 for one model, several values for several."),
      number("l1", &Params::l1)
          .or_auto()
          .at_least(0)
          .or_else("auto")
          .tunable(1e-7, 1, Scale::logarithmic)
          .help("Strength of L1 regularisation; auto is 0."),
      number("momentum", &Params::momentum).or_auto().at_least(0).below(1).or_else("auto").help("Momentum of sgd; auto is 0."),
      number("beta_1", &Params::beta_1)
          .or_auto()
          .at_least(0)
          .below(1)
          .or_else("auto")
          .help("Decay of adam's first moment; auto is 0.9."),
      number("beta_2", &Params::beta_2)
          .or_auto()
          .at_least(0)
          .below(1)
          .or_else("auto")
          .help("Decay of adam's second moment; auto is 0.999."),
      number("bias_lr_mult", &Params::bias_lr_mult)
          .or_auto()
          .above(0)
          .or_else("auto")
          .help("The bias learns at learning_rate times this; auto is 10."),
      number("bias_wd_mult", &Params::bias_wd_mult)
          .or_auto()
          .at_least(0)
          .or_else("auto")
          .help("The bias is regularised by wd times this; auto is 0."),
      boolean("use_lr_scheduler", &Params::use_lr_scheduler)
          .or_else("true")
          .help("Whether the learning rate is cut as training goes on."),
      integer("lr_scheduler_step", &Params::lr_scheduler_step)
          .or_auto()
          .at_least(1)
          .or_else("auto")
          .help("Updates between cuts of the learning rate. auto: 100 for one model, 10 or 100 for several."),
      number("lr_scheduler_factor", &Params::lr_scheduler_factor)
          .or_auto()
          .above(0)
          .below(1)
          .or_else("auto")
          .help("What the learning rate is multiplied with at each cut; auto is 0.99."),
      number("lr_scheduler_minimum_lr", &Params::lr_scheduler_minimum_lr)
          .or_auto()
          .above(0)
          .or_else("auto")
          .help("The learning rate is never cut below this. auto: 1e-5 for one model, 1e-5 or 1e-4 for several."),
  };
}

Hyperparameters start_and_scaling() {
  return {
      boolean("use_bias", &Params::use_bias).or_else("true").tunable({"true", "false"}).help("Whether the model has a bias."),
      choice("init_method", &Params::init_method)
          .of({{"uniform", Init::uniform}, {"normal", Init::normal}})
          .or_else("uniform")
          .help("The distribution of the weights to begin with."),
      number("init_scale", &Params::init_scale)
          .above(0)
          .or_else("0.07")
          .help("With init_method uniform: weights lie between this and its negative."),
      number("init_sigma", &Params::init_sigma)
          .above(0)
          .or_else("0.01")
          .help("With init_method normal: the standard deviation of the weights."),
      number("init_bias", &Params::init_bias).or_else("0.0").help("The bias to begin with."),
      boolean("normalize_data", &Params::normalize_data)
          .or_auto()
          .or_else("true")
          .help("Whether each feature is divided by its standard deviation for training; auto is true of dense rows alone, since rare "
                "features of sparse ones would be stretched."),
      boolean("normalize_label", &Params::normalize_label)
          .or_auto()
          .or_else("auto")
          .help("Whether the label of a regressor is divided by its standard deviation for training; auto is true."),
      boolean("unbias_data", &Params::unbias_data)
          .or_auto()
          .or_else("auto")
          .help("Whether the mean of each feature is subtracted for training; auto is what use_bias is."),
      boolean("unbias_label", &Params::unbias_label)
          .or_auto()
          .or_else("auto")
          .help("Whether the mean of a regressor's label is subtracted for training; auto is what use_bias is."),
      integer("num_point_for_scaler", &Params::num_point_for_scaler)
          .at_least(1)
          .or_else("10000")
          .help("Rows from which means, standard deviations and the frequencies of classes are computed."),
  };
}

Hyperparameters selection() {
  return {
      integer("num_models", &Params::num_models)
          .or_auto()
          .at_least(1)
          .or_else("auto")
          .help("Models trained side by side over one reading of the data, of which the best is kept. auto is 32, less for each "
                "hyperparameter that is given instead of tried; 1 in tuning jobs."),
      integer("early_stopping_patience", &Params::early_stopping_patience)
          .at_least(1)
          .or_else("3")
          .help("Epochs without improvement that are tolerated. More than epochs turns early stopping off."),
      number("early_stopping_tolerance", &Params::early_stopping_tolerance)
          .above(0)
          .or_else("0.001")
          .help("An epoch whose loss falls by less than this fraction of the best has brought no improvement."),
      choice("binary_classifier_model_selection_criteria", &Params::criterion)
          .of(criteria())
          .or_else("accuracy")
          .help("What picks the model, the epoch and the decision threshold of a binary_classifier."),
      number("target_precision", &Params::target_precision)
          .above(0)
          .below(1)
          .or_else("0.8")
          .help("The precision to be held with the criterion recall_at_target_precision."),
      number("target_recall", &Params::target_recall)
          .above(0)
          .below(1)
          .or_else("0.8")
          .help("The recall to be held with the criterion precision_at_target_recall."),
      number("f_beta", &Params::f_beta)
          .above(0)
          .or_else("1.0")
          .help("The weight of recall in F scores of two and of several classes."),
      integer("accuracy_top_k", &Params::accuracy_top_k)
          .between(1, 1000000)
          .or_else("3")
          .help("A multiclass_classifier's top-k accuracy counts rows whose class is among this many best."),
      integer("num_calibration_samples", &Params::num_calibration_samples)
          .or_auto()
          .at_least(1)
          .or_else("auto")
          .help(
              "Rows of the validation channel, or else of train, on which the decision threshold is found; auto is 10,000,000."),
  };
}

Hyperparameters internal() {
  return {
      ignored("force_dense", Kind::boolean).or_else("true").help("Sent by the service's clients. Sparse rows stay sparse."),
      job::text("_tuning_objective_metric", &Params::tuning_objective_metric)
          .without_effect()
          .help("Sent by tuning jobs; num_models is 1 then."),
  };
}

// ---- rules across values ------------------------------------------------------------------------------------------------

std::optional<std::string> enough_classes(const Params& p) {
  if (p.predictor_type != PredictorType::multiclass_classifier || p.num_classes.value_or(0) >= 3) return std::nullopt;
  if (!p.num_classes) {
    return "Hyperparameter num_classes: required when predictor_type is multiclass_classifier (integer, [3, 1000000]): the "
           "number of classes";
  }
  return fmt::format("Hyperparameter num_classes: {} is not in [3, 1000000], which a multiclass_classifier needs; "
                     "for two classes predictor_type is binary_classifier", *p.num_classes);
}

std::optional<std::string> loss_of_its_predictor(const Params& p) {
  std::string legal = "auto";
  for (Loss loss : losses_of(p.predictor_type)) {
    if (p.loss == loss || p.loss == Loss::automatic) return std::nullopt;
    legal += fmt::format(", {}", name_of(loss));
  }
  return fmt::format("Hyperparameter loss: '{}' does not belong to predictor_type {}; choose one of: {}", name_of(p.loss),
                     name_of(p.predictor_type), legal);
}

}  // namespace

job::Table hyperparameters() {
  Hyperparameters all;
  for (const Hyperparameters& part : {task(), loss(), optimizer(), start_and_scaling(), selection(), internal()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return job::table<Params>(std::move(all), {job::rule<Params>(enough_classes), job::rule<Params>(loss_of_its_predictor)});
}

}  // namespace smtrain::linear
