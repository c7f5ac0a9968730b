#include <catch2/catch.hpp>
#include <cmath>

#include "algos/xgboost/early_stopping.h"
#include "algos/xgboost/engine_parameters.h"
#include "algos/xgboost/folds.h"
#include "algos/xgboost/labels.h"
#include "algos/xgboost/metric_list.h"
#include "algos/xgboost/own_metrics.h"
#include "algos/xgboost/params.h"
#include "base/error.h"

namespace smtrain::xgboost {
namespace {

using Catch::Contains;
using Given = std::vector<job::Given>;
using Names = std::map<std::string, std::string>;

const job::Table& table() {
  static const job::Table table = hyperparameters();
  return table;
}

job::Settings resolved(Names values) {
  values.emplace("num_round", "3");
  Given given;
  for (const auto& [name, text] : values) given.push_back({name, text, "flag"});
  NullLog log;
  return job::resolve(table(), given, log);
}

Params params_of(Names values) { return resolved(std::move(values)).as<Params>(); }

std::string refusal(Names values) {
  try {
    resolved(std::move(values));
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

// ---- the table ---------------------------------------------------------------------------------------------------------

TEST_CASE("xgboost: ranges are those of the specification, open and closed ends alike") {
  CHECK_THAT(refusal({{"eta", "2.0"}}), Contains("eta: 2.0 is not in [0, 1]"));
  CHECK_THAT(refusal({{"subsample", "0"}}), Contains("not in (0, 1]"));
  CHECK_THAT(refusal({{"tweedie_variance_power", "2"}}), Contains("not in (1, 2)"));
  CHECK_THAT(refusal({{"num_class", "1"}}), Contains("num_class"));
  CHECK_THAT(refusal({{"sketch_eps", "1"}}), Contains("not in (0, 1)"));
  CHECK_THAT(refusal({{"max_depth", "-1"}}), Contains("max_depth"));
  CHECK_THAT(refusal({{"verbosity", "4"}}), Contains("not in [0, 3]"));
  CHECK_THAT(refusal({{"_kfold", "1"}}), Contains("_kfold"));
  CHECK_THAT(refusal({{"seed", "2147483647"}}), Contains("seed"));
  CHECK_THAT(refusal({{"scale_pos_weight", "0"}}), Contains("not in (0, inf)"));
  CHECK(refusal({{"seed", "2147483646"}}).empty());
  CHECK(refusal({{"eta", "0"}, {"subsample", "1"}, {"max_delta_step", "0.7"}, {"max_leaves", "0"}}).empty());
}

TEST_CASE("xgboost: both names of a parameter are known, and not to be given at once") {
  CHECK(refusal({{"learning_rate", "0.1"}, {"min_split_loss", "1"}, {"reg_lambda", "2"}, {"reg_alpha", "1"}}).empty());
  CHECK_THAT(refusal({{"eta", "0.1"}, {"learning_rate", "0.2"}}), Contains("eta"));
}

TEST_CASE("xgboost: objectives that need more say so") {
  CHECK_THAT(refusal({{"objective", "multi:softprob"}}), Contains("num_class: required by objective multi:softprob"));
  CHECK_THAT(refusal({{"objective", "binary:logistic"}, {"base_score", "1"}}), Contains("base_score: 1.0 is a probability"));
  CHECK(refusal({{"objective", "reg:squarederror"}, {"base_score", "7"}}).empty());
  CHECK_THAT(refusal({{"objective", "aft_loss_distribution"}}), Contains("objective"));
}

TEST_CASE("xgboost: metrics are known, go with their objective, and only some take a threshold") {
  const auto metric = [](const char* objective, const char* name) {
    Names values{{"objective", objective}, {"eval_metric", name}};
    if (std::string_view(objective).starts_with("multi")) values["num_class"] = "3";
    return refusal(values);
  };
  CHECK(metric("binary:logistic", "auc,error@0.3").empty());
  CHECK(metric("multi:softprob", "auc").empty());
  CHECK(metric("rank:ndcg", "ndcg@5,map@3-").empty());
  CHECK_THAT(metric("reg:squarederror", "auc"), Contains("auc needs binary:*, multi:* or rank:*"));
  CHECK_THAT(metric("reg:squarederror", "rsme"), Contains("did you mean rmse?"));
  CHECK_THAT(metric("binary:logistic", "logloss@2"), Contains("logloss takes no threshold"));
  CHECK_THAT(metric("binary:logistic", "error@x"), Contains("is not a number"));
  CHECK_THAT(metric("reg:squarederror", "aft-nloglik"), Contains("needs survival:aft"));
  CHECK_THAT(metric("reg:squarederror", "f1"), Contains("f1 needs binary:* or multi:*"));
  CHECK_THAT(metric("multi:softmax", "f1_binary"), Contains("Target is multiclass"));
  CHECK_THAT(metric("multi:softprob", "rmse"), Contains("predictions are numbers"));
  CHECK_THAT(refusal({{"_tuning_objective_metric", "auc"}}), Contains("validation:METRIC"));
}

TEST_CASE("xgboost: the tuner's metric joins those given, and the container's stand apart from the engine's") {
  const Params p = params_of({{"objective", "binary:logistic"}, {"eval_metric", "auc, accuracy,auc"}, {"_tuning_objective_metric", "validation:f1"}});
  CHECK(p.metrics() == std::vector<std::string>{"auc", "accuracy", "f1"});
  CHECK(p.engine_metrics() == std::vector<std::string>{"auc"});
  CHECK(p.own_metrics() == std::vector<std::string>{"accuracy", "f1"});
}

TEST_CASE("xgboost: updaters belong to a booster and a process type") {
  CHECK_THAT(refusal({{"booster", "gblinear"}, {"updater", "shotgun,coord_descent"}}), Contains("only one of them"));
  CHECK_THAT(refusal({{"booster", "gblinear"}, {"updater", "prune"}}), Contains("gblinear"));
  CHECK_THAT(refusal({{"updater", "coord_descent"}}), Contains("belong to booster gblinear"));
  CHECK_THAT(refusal({{"updater", "grow_colmaker,grow_histmaker"}}), Contains("at most one"));
  CHECK_THAT(refusal({{"updater", "distcol"}}), Contains("distcol is gone"));
  CHECK_THAT(refusal({{"process_type", "update"}, {"updater", "grow_colmaker"}}), Contains("refresh and prune alone"));
  CHECK_THAT(refusal({{"process_type", "update"}}), Contains("update needs updater"));
  CHECK(refusal({{"updater", "grow_quantile_histmaker,prune"}}).empty());
  CHECK(refusal({{"process_type", "update"}, {"updater", "refresh,prune"}}).empty());
}

TEST_CASE("xgboost: constraints are of their form and go with exact, hist and auto") {
  CHECK(refusal({{"monotone_constraints", "(1, 0, -1)"}}).empty());
  CHECK(params_of({{"monotone_constraints", "(1,0,-1,1)"}}).monotone_constraints.size() == 4);
  CHECK_THAT(refusal({{"monotone_constraints", "(1, 0.5)"}}), Contains("not one of: -1, 0, 1"));
  CHECK_THAT(refusal({{"monotone_constraints", "(1, 2)"}}), Contains("monotone_constraints"));
  CHECK_THAT(refusal({{"monotone_constraints", "(1, 0)"}, {"tree_method", "approx"}}), Contains("tree_method must be exact or hist"));
  CHECK(refusal({{"interaction_constraints", "[[0, 1], [2]]"}}).empty());
  CHECK_THAT(refusal({{"interaction_constraints", "[0, 1]"}}), Contains("list of lists"));
  CHECK_THAT(refusal({{"interaction_constraints", "[[-1]]"}}), Contains("list of lists"));
}

TEST_CASE("xgboost: what cannot be had is refused") {
  CHECK_THAT(refusal({{"use_dask_gpu_training", "true"}}), Contains("no Dask"));
  CHECK_THAT(refusal({{"sampling_method", "gradient_based"}}), Contains("gpu_hist"));
  CHECK_THAT(refusal({{"objective", "rank:map"}, {"_kfold", "3"}}), Contains("groups"));
}

// ---- what the engine is told -----------------------------------------------------------------------------------------------

Parameters told(Names values, CollectedLog& log, EngineOptions options = {.threads = 3, .seed = 5}) {
  const job::Settings settings = resolved(std::move(values));
  return engine_parameters(Library::open(), settings.as<Params>(), settings, options, log);
}

std::string value_of(const Parameters& parameters, const std::string& name) {
  for (const auto& [key, value] : parameters) {
    if (key == name) return value;
  }
  return "none";
}

TEST_CASE("xgboost: the engine is told what was given, and threads, seed and verbosity in any case") {
  CollectedLog log;
  const Parameters p = told({{"learning_rate", "0.25"}, {"max_depth", "3"}, {"monotone_constraints", "(1,-1)"}, {"eval_metric", "mae,mape"}}, log);
  CHECK(value_of(p, "eta") == "0.25");
  CHECK(value_of(p, "max_depth") == "3");
  CHECK(value_of(p, "monotone_constraints") == "(1,-1)");
  CHECK(value_of(p, "eval_metric") == "mape");
  CHECK(value_of(p, "nthread") == "3");
  CHECK(value_of(p, "seed") == "5");
  CHECK(value_of(p, "verbosity") == "1");
  CHECK(value_of(p, "lambda") == "none");
  CHECK(value_of(p, "num_round") == "none");
  CHECK(value_of(told({{"nthread", "2"}, {"seed", "9"}}, log), "nthread") == "2");
  CHECK(value_of(told({{"seed", "9"}}, log), "seed") == "9");
  CHECK(log.lines.empty());
}

TEST_CASE("xgboost: what nothing would use is refused with what it belongs to, unless it is the default") {
  CollectedLog log;
  CHECK_THROWS_WITH(told({{"rate_drop", "0.1"}}, log), Contains("rate_drop") && Contains("booster dart"));
  CHECK_THROWS_WITH(told({{"tweedie_variance_power", "1.2"}}, log), Contains("reg:tweedie"));
  CHECK_THROWS_WITH(told({{"booster", "gblinear"}, {"max_depth", "3"}}, log), Contains("grows no trees"));
  CHECK(value_of(told({{"rate_drop", "0"}, {"tweedie_variance_power", "1.5"}}, log), "rate_drop") == "none");
  CHECK(value_of(told({{"booster", "dart"}, {"rate_drop", "0.1"}}, log), "rate_drop") == "0.1");
}

TEST_CASE("xgboost: what the engine no longer knows is left out with a warning, and old names are translated") {
  CollectedLog log;
  const Parameters p = told({{"single_precision_histogram", "true"}, {"prob_buffer_row", "2"}, {"tree_method", "approx"}, {"sketch_eps", "0.03"}}, log);
  CHECK(value_of(p, "single_precision_histogram") == "none");
  CHECK(value_of(p, "prob_buffer_row") == "none");
  CHECK(value_of(p, "max_bin") == "34");
  CHECK(log.lines.size() == 2);
  CHECK(value_of(told({{"objective", "reg:linear"}}, log), "objective") == "reg:squarederror");
  if (!Library::open().cuda()) CHECK_THROWS_WITH(told({{"tree_method", "gpu_hist"}}, log), Contains("built without"));
}

TEST_CASE("xgboost: shotgun gets one thread unless more are asked for") {
  CollectedLog log;
  CHECK(value_of(told({{"booster", "gblinear"}}, log), "nthread") == "1");
  CHECK(value_of(told({{"booster", "gblinear"}, {"updater", "coord_descent"}}, log), "nthread") == "3");
  CHECK(value_of(told({{"booster", "gblinear"}, {"nthread", "2"}}, log), "nthread") == "2");
}

// ---- labels ----------------------------------------------------------------------------------------------------------------

std::string label_problem(Names values, float label, float weight = 1) {
  formats::Batch batch;
  const float features[] = {1.0f};
  batch.rows = batch.cols = batch.ld = batch.label_width = 1;
  batch.dense = features;
  batch.labels = &label;
  batch.weights = &weight;
  auto source = std::make_shared<const std::string>("part-0.csv");
  batch.origins = std::make_shared<std::vector<formats::Origin>>(std::vector<formats::Origin>{{.first_row = 0, .source = source, .record = 6, .line = 7}});
  try {
    check_rows(params_of(std::move(values)), batch);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST_CASE("xgboost: labels that the objective cannot take are refused with their record") {
  CHECK_THAT(label_problem({{"objective", "binary:logistic"}}, 2), Contains("part-0.csv:7: label 2") && Contains("in [0, 1] for logistic regression"));
  CHECK(label_problem({{"objective", "binary:logistic"}}, 0.5f).empty());
  CHECK_THAT(label_problem({{"objective", "binary:hinge"}}, 0.5f), Contains("0 or 1"));
  const Names multi{{"objective", "multi:softmax"}, {"num_class", "3"}};
  CHECK_THAT(label_problem(multi, 3), Contains("if your classes begin with 1"));
  CHECK_THAT(label_problem(multi, 1.5f), Contains("a whole number in [0, num_class)"));
  CHECK(label_problem(multi, 2).empty());
  CHECK_THAT(label_problem({{"objective", "count:poisson"}}, -1), Contains("0 or more"));
  CHECK_THAT(label_problem({{"objective", "reg:tweedie"}}, -1), Contains("0 or more"));
  CHECK_THAT(label_problem({{"objective", "reg:gamma"}}, 0), Contains("above 0"));
  CHECK_THAT(label_problem({}, std::nanf("")), Contains("label is missing"));
  CHECK_THAT(label_problem({}, INFINITY), Contains("infinite"));
  CHECK_THAT(label_problem({}, 1, -1), Contains("part-0.csv:7: weight -1"));
  CHECK(label_problem({{"objective", "survival:cox"}}, -3).empty());
}

// ---- metrics ---------------------------------------------------------------------------------------------------------------

// Truth 0 0 0 1 1 2 2 2 2 2, predictions 0 1 0 1 2 2 2 0 2 1.
ClassCounts three_classes() { return {3, {2, 1, 0, 0, 1, 1, 1, 1, 3}}; }

TEST_CASE("xgboost: metrics of classes are those of their definitions") {
  const ClassCounts c = three_classes();
  // Recall 2/3, 1/2, 3/5; precision 2/3, 1/3, 3/4; F1 2/3, 2/5, 2/3.
  CHECK(class_metric("accuracy", c) == Approx(0.6));
  CHECK(class_metric("balanced_accuracy", c) == Approx((2.0 / 3 + 0.5 + 0.6) / 3));
  CHECK(class_metric("f1", c) == Approx((2.0 / 3 + 0.4 + 2.0 / 3) / 3));
  CHECK(class_metric("f1_macro", c) == class_metric("f1", c));
  CHECK(class_metric("precision_macro", c) == Approx((2.0 / 3 + 1.0 / 3 + 0.75) / 3));
  CHECK(class_metric("recall_macro", c) == Approx((2.0 / 3 + 0.5 + 0.6) / 3));
  CHECK(class_metric("precision_micro", c) == Approx(0.6));
  CHECK(class_metric("recall_micro", c) == Approx(0.6));
  const ClassCounts two{2, {50, 10, 5, 35}};
  CHECK(class_metric("precision", two) == Approx(35.0 / 45));
  CHECK(class_metric("recall", two) == Approx(35.0 / 40));
  CHECK(class_metric("f1_binary", two) == Approx(70.0 / 85));
}

TEST_CASE("xgboost: a class that nobody has and nobody predicts counts in no mean") {
  const ClassCounts c{3, {4, 0, 0, 0, 2, 0, 0, 0, 0}};
  CHECK(class_metric("f1", c) == 1);
  CHECK(class_metric("balanced_accuracy", c) == 1);
  // Predicted but not there: in the means of f1 and precision, not in that of balanced accuracy.
  const ClassCounts d{3, {4, 0, 1, 0, 2, 0, 0, 0, 0}};
  CHECK(class_metric("precision_macro", d) == Approx(2.0 / 3));
  CHECK(class_metric("balanced_accuracy", d) == Approx((0.8 + 1) / 2));
}

TEST_CASE("xgboost: a prediction's class is judged on the scale it comes in") {
  const float p[] = {0.4f, 0.6f, 0.5f};
  CHECK(predicted_classes(params_of({{"objective", "binary:logistic"}}), p, 3) == std::vector<std::size_t>{0, 1, 0});
  CHECK(predicted_classes(params_of({{"objective", "binary:logitraw"}}), p, 3) == std::vector<std::size_t>{1, 1, 1});
  const float rows[] = {0.1f, 0.7f, 0.2f, 0.5f, 0.3f, 0.2f};
  CHECK(predicted_classes(params_of({{"objective", "multi:softprob"}, {"num_class", "3"}}), rows, 2) == std::vector<std::size_t>{1, 0});
  const float ids[] = {2.0f, 0.0f};
  CHECK(predicted_classes(params_of({{"objective", "multi:softmax"}, {"num_class", "3"}}), ids, 2) == std::vector<std::size_t>{2, 0});
}

TEST_CASE("xgboost: errors are those of their definitions") {
  const auto alone = dist::make_single_process();
  const float predictions[] = {1, 2, 4}, labels[] = {1, 4, 3};
  const std::string names[] = {"mse", "rmse", "mae", "r2"};
  const std::vector<double> values = own_metrics(params_of({}), names, predictions, labels, *alone);
  CHECK(values[0] == Approx(5.0 / 3));
  CHECK(values[1] == Approx(std::sqrt(5.0 / 3)));
  CHECK(values[2] == Approx(1.0));
  CHECK(values[3] == Approx(1 - 5.0 / (42.0 / 9)));
}

TEST_CASE("xgboost: larger is better by the part before the threshold") {
  CHECK(is_maximised("ndcg@5"));
  CHECK(is_maximised("map@3"));
  CHECK(is_maximised("interval-regression-accuracy"));
  CHECK_FALSE(is_maximised("error@0.7"));
  CHECK_FALSE(is_maximised("rmse"));
}

// ---- early stopping and folds ------------------------------------------------------------------------------------------------

TEST_CASE("xgboost: early stopping waits for a strict improvement") {
  EarlyStopping stopping(false, 2);
  CHECK(stopping.update(0, 0.5));
  CHECK(stopping.update(1, 0.4));
  CHECK_FALSE(stopping.update(2, 0.4));
  CHECK_FALSE(stopping.stops());
  CHECK_FALSE(stopping.update(3, 0.6));
  CHECK(stopping.stops());
  CHECK(stopping.best_round() == 1);
  CHECK(stopping.best() == 0.4);
}

TEST_CASE("xgboost: what is no number never improves") {
  EarlyStopping stopping(true, 2);
  CHECK_FALSE(stopping.update(0, std::nan("")));
  CHECK(stopping.update(1, 0.1));
  CHECK_FALSE(stopping.update(2, std::nan("")));
  CHECK_FALSE(stopping.update(3, std::nan("")));
  CHECK(stopping.stops());
}

TEST_CASE("xgboost: folds are of one size, of each class too") {
  std::vector<float> labels;
  for (int i = 0; i < 103; ++i) labels.push_back(i % 10 == 0 ? 1.0f : 0.0f);
  const std::vector<int> fold_of = assign_folds(labels, 5, true, RandomStream(1, "folds"));
  std::vector<int> rows(5), positives(5);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    ++rows[static_cast<std::size_t>(fold_of[i])];
    positives[static_cast<std::size_t>(fold_of[i])] += labels[i] > 0;
  }
  for (std::size_t f = 0; f < 5; ++f) {
    CHECK(rows[f] >= 20);
    CHECK(rows[f] <= 21);
    CHECK(positives[f] >= 2);
    CHECK(positives[f] <= 3);
  }
  CHECK(fold_of != assign_folds(labels, 5, true, RandomStream(2, "folds")));
}

TEST_CASE("xgboost: answers for rows not seen are averaged, classes elected") {
  const Params p = params_of({{"objective", "binary:logistic"}});
  const float labels[] = {1, 0};
  OutOfFold answers(p, labels);
  const int both[] = {1, 0};
  const float first[] = {0.25f, 0.75f}, second[] = {0.75f, 0.5f}, third[] = {0.25f, 0.875f};
  answers.add(both, first);
  answers.add(both, second);
  answers.add(both, third);
  CHECK(answers.csv() == "1.000000,0.708333,1.000000\n0.000000,0.416667,0.000000\n");
}

}  // namespace
}  // namespace smtrain::xgboost
