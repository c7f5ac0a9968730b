#include <catch2/catch.hpp>
#include <regex>

#include "algos/linear_learner/description.h"
#include "algos/linear_learner/params.h"
#include "base/error.h"

namespace smtrain::linear {
namespace {

using Catch::Matchers::Contains;
using Texts = std::map<std::string, std::string>;

const job::Table& table() {
  static const job::Table t = hyperparameters();
  return t;
}

job::Settings settings_of(const Texts& values) {
  std::vector<job::Given> given;
  for (const auto& [name, text] : values) given.push_back({name, text, "test"});
  NullLog log;
  return job::resolve(table(), given, log);
}

Params params_of(const Texts& values) { return settings_of(values).as<Params>(); }

std::string refusal(const Texts& values) {
  try {
    settings_of(values);
  } catch (const Error& error) {
    CHECK(error.exit_code() == 2);
    return error.what();
  }
  return "nothing was refused";
}

TEST_CASE("linear-learner: the table holds the 44 hyperparameters and no other public one", "[algos][linear]") {
  std::size_t visible = 0;
  for (const job::Hyperparameter& h : table().entries()) visible += !h.ignored;
  CHECK(visible == 44);
}

TEST_CASE("linear-learner: defaults are the documented ones", "[algos][linear]") {
  const Params p = params_of({{"predictor_type", "regressor"}});
  CHECK(p.predictor_type == PredictorType::regressor);
  CHECK(p.epochs == 15);
  CHECK(p.mini_batch_size == 1000);
  CHECK(p.num_point_for_scaler == 10000);
  CHECK(p.early_stopping_patience == 3);
  CHECK(p.early_stopping_tolerance == 0.001);
  CHECK(p.init_scale == 0.07);
  CHECK(p.init_sigma == 0.01);
  CHECK(p.normalize_data == true);
  CHECK_FALSE(p.normalize_label.has_value());
  CHECK_FALSE(p.num_models.has_value());
  CHECK_FALSE(p.feature_dim.has_value());
  CHECK_FALSE(p.wd.has_value());
  CHECK(p.target_recall == 0.8);
  CHECK(p.accuracy_top_k == 3);
  CHECK(loss_of(p) == Loss::squared_loss);
  CHECK(optimizer_of(p) == Optimizer::adam);
  CHECK(std::get<double>(p.positive_example_weight_mult) == 1.0);
  // A Params that nobody filled is the same.
  CHECK(advice(p).empty());
}

TEST_CASE("linear-learner: what the service's clients send is understood", "[algos][linear]") {
  const Params p = params_of({{"predictor_type", "binary_classifier"},
                              {"feature_dim", "auto"},
                              {"binary_classifier_model_selection_criteria", "cross_entropy_loss"},
                              {"positive_example_weight_mult", "balanced"},
                              {"normalize_data", "True"},
                              {"unbias_data", "auto"},
                              {"num_models", "auto"},
                              {"optimizer", "sgd"},
                              {"momentum", "0.9"},
                              {"_tuning_objective_metric", "validation:objective_loss"},
                              {"_num_gpus", "auto"},
                              {"force_dense", "True"}});
  CHECK(p.criterion == Criterion::loss_function);
  CHECK(std::get<std::string>(p.positive_example_weight_mult) == "balanced");
  CHECK(p.momentum == 0.9);
  CHECK(is_tuning(p));
  CHECK(std::get<double>(params_of({{"predictor_type", "binary_classifier"}, {"positive_example_weight_mult", "2.5"}})
                             .positive_example_weight_mult) == 2.5);
  CHECK(params_of({{"predictor_type", "binary_classifier"}, {"optimizer", "adagrad"}}).optimizer == Optimizer::adagrad);
}

TEST_CASE("linear-learner: what auto means where no data decide", "[algos][linear]") {
  const Params binary = params_of({{"predictor_type", "binary_classifier"}});
  CHECK(loss_of(binary) == Loss::logistic);
  CHECK(normalizes_data(binary, false));
  CHECK(normalizes_data(binary, true));
  const Params left = params_of({{"predictor_type", "binary_classifier"}, {"normalize_data", "auto"}});
  CHECK(normalizes_data(left, false));
  CHECK_FALSE(normalizes_data(left, true));
  CHECK(unbiases_data(binary));
  CHECK_FALSE(normalizes_label(binary));
  CHECK_FALSE(unbiases_label(binary));
  CHECK(classes_of(binary) == 1);
  const Params several = params_of({{"predictor_type", "multiclass_classifier"}, {"num_classes", "7"}});
  CHECK(loss_of(several) == Loss::softmax_loss);
  CHECK(classes_of(several) == 7);
  const Params regression = params_of({{"predictor_type", "regressor"}});
  CHECK(normalizes_label(regression));
  CHECK(unbiases_label(regression));
  const Params without_bias = params_of({{"predictor_type", "regressor"}, {"use_bias", "false"}, {"unbias_data", "true"}});
  CHECK_FALSE(unbiases_data(without_bias));
  CHECK_FALSE(unbiases_label(without_bias));
  CHECK(criterion_beta(params_of({{"predictor_type", "binary_classifier"},
                                  {"binary_classifier_model_selection_criteria", "f1"},
                                  {"f_beta", "2"}})) == 1.0);
}

TEST_CASE("linear-learner: single values out of their range are refused", "[algos][linear]") {
  for (const auto& [name, text] : std::vector<std::pair<std::string, std::string>>{
           {"epochs", "0"}, {"mini_batch_size", "0"}, {"quantile", "1"}, {"quantile", "0"}, {"target_recall", "1"},
           {"target_precision", "0"}, {"wd", "-1e-9"}, {"l1", "-1"}, {"learning_rate", "0"}, {"lr_scheduler_factor", "1"},
           {"lr_scheduler_step", "0"}, {"beta_1", "1"}, {"momentum", "-0.1"}, {"init_scale", "0"}, {"huber_delta", "0"},
           {"positive_example_weight_mult", "0"}, {"positive_example_weight_mult", "even"}, {"num_models", "0"},
           {"early_stopping_tolerance", "0"}, {"f_beta", "0"}, {"accuracy_top_k", "0"}, {"margin", "-1"}, {"loss", "log"}}) {
    INFO(name << "=" << text);
    CHECK_THAT(refusal({{"predictor_type", "binary_classifier"}, {name, text}}), Contains("Hyperparameter " + name));
  }
  CHECK_THAT(refusal({{"predictor_type", "binary_classifier"}, {"positive_example_weight_mult", "even"}}),
             Contains("'even' is not a number or balanced or auto"));
}

TEST_CASE("linear-learner: rules across values are refused with what would be right", "[algos][linear]") {
  CHECK_THAT(refusal({}), Contains("Missing required hyperparameter: predictor_type"));
  CHECK_THAT(refusal({{"predictor_type", "multiclass_classifier"}}),
             Contains("num_classes: required when predictor_type is multiclass_classifier"));
  CHECK_THAT(refusal({{"predictor_type", "multiclass_classifier"}, {"num_classes", "2"}}),
             Contains("2 is not in [3, 1000000]") && Contains("for two classes predictor_type is binary_classifier"));
  CHECK_THAT(
      refusal({{"predictor_type", "regressor"}, {"loss", "hinge_loss"}}),
      Contains("'hinge_loss' does not belong to predictor_type regressor; choose one of: auto, squared_loss, absolute_loss, "
               "quantile_loss, huber_loss, eps_insensitive_squared_loss, eps_insensitive_absolute_loss"));
  CHECK_THAT(refusal({{"predictor_type", "binary_classifier"}, {"loss", "softmax_loss"}}),
             Contains("choose one of: auto, logistic, hinge_loss"));
}

TEST_CASE("linear-learner: values without effect are named", "[algos][linear]") {
  const auto warnings = advice(params_of({{"predictor_type", "regressor"},
                                          {"num_classes", "3"},
                                          {"momentum", "0.5"},
                                          {"quantile", "0.9"},
                                          {"use_lr_scheduler", "false"},
                                          {"lr_scheduler_step", "7"},
                                          {"binary_classifier_model_selection_criteria", "f1"}}));
  CHECK(warnings ==
        std::vector<std::string>{
            "hyperparameter binary_classifier_model_selection_criteria has no effect: predictor_type is not binary_classifier",
            "hyperparameter lr_scheduler_step has no effect: use_lr_scheduler is false",
            "hyperparameter momentum has no effect: optimizer is not sgd",
            "hyperparameter num_classes has no effect: predictor_type is not multiclass_classifier",
            "hyperparameter quantile has no effect: loss is not quantile_loss"});
  CHECK(advice(params_of({{"predictor_type", "regressor"}, {"loss", "quantile_loss"}, {"quantile", "0.9"}})).empty());
  CHECK(advice(params_of({{"predictor_type", "binary_classifier"}, {"num_models", "4"}, {"_tuning_objective_metric", "x"}}))
            .size() == 1);
}

// Lines as the service's log has them, and what their metrics catch.
TEST_CASE("linear-learner: published metrics find their lines in the log, and only those", "[algos][linear]") {
  const job::Description d = describe();
  const auto value = [&](const std::string& name, const std::string& line) -> std::string {
    for (const job::MetricSpec& m : d.metrics) {
      std::smatch match;
      if (m.name == name) return std::regex_search(line, match, std::regex(m.regex)) ? match[1].str() : "";
    }
    return "no such metric";
  };
  const std::string epoch =
      "[12/01/2020 10:00:00 INFO 139] #quality_metric: host=algo-1, epoch=0, train binary_classification_cross_entropy_objective "
      "<loss>=0.59";
  const std::string last = "#quality_metric: host=algo-1, train mse_objective <loss>=0.31";
  CHECK(value("train:objective_loss", epoch) == "0.59");
  CHECK(value("train:objective_loss:final", epoch).empty());
  CHECK(value("train:objective_loss:final", last) == "0.31");
  CHECK(value("train:objective_loss", last).empty());
  CHECK(value("validation:objective_loss", "#quality_metric: host=algo-1, epoch=3, validation mse_objective <loss>=2.5") ==
        "2.5");
  CHECK(value("test:objective_loss", "#quality_metric: host=algo-1, test mse_objective <loss>=2.5") == "2.5");
  CHECK(value("test:mse", "#quality_metric: host=algo-1, test mse <loss>=2.5") == "2.5");
  CHECK(value("test:mse", "#quality_metric: host=algo-1, test mse_objective <loss>=2.5").empty());
  CHECK(value("validation:rmse", "#quality_metric: host=algo-1, validation rmse <loss>=2.5") == "2.5");
  CHECK(value("validation:binary_f_beta", "#quality_metric: host=algo-1, validation binary_f_1.000 <score>=0.8") == "0.8");
  CHECK(value("test:multiclass_top_k_accuracy", "#quality_metric: host=algo-1, test multiclass_top_k_accuracy_3 <score>=0.99") ==
        "0.99");
  CHECK(value("test:macro_f_beta", "#quality_metric: host=algo-1, test macro_f_1.000 <score>=0.5") == "0.5");
  CHECK(value("validation:roc_auc_score", "#quality_metric: host=algo-1, validation roc_auc_score <score>=0.9") == "0.9");
  CHECK(value("train:progress", "#progress_metric: host=algo-1, completed 6.7 % of epochs") == "6.7");
}

}  // namespace
}  // namespace smtrain::linear
