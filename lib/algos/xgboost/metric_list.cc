#include "algos/xgboost/metric_list.h"

#include <algorithm>

namespace smtrain::xgboost {

const std::vector<MetricKind>& metric_kinds() {
  static const std::vector<MetricKind> kinds = {
      {"accuracy", true, true, true, "Share of rows whose class is right"},
      {"aft-nloglik", false, false, false, "Negative log likelihood of survival:aft"},
      {"auc", true, false, false, "Area under the ROC curve"},
      {"aucpr", true, false, false, "Area under the precision-recall curve"},
      {"balanced_accuracy", true, true, true, "Mean recall of the classes"},
      {"cox-nloglik", false, false, false, "Negative partial log likelihood of survival:cox"},
      {"error", false, false, false, "Share of rows whose class of two is wrong"},
      {"f1", true, true, true, "Mean F1 of the classes"},
      {"f1_binary", true, true, true, "F1 of class 1"},
      {"f1_macro", true, true, true, "Mean F1 of the classes"},
      {"gamma-deviance", false, false, false, "Deviance of gamma regression"},
      {"gamma-nloglik", false, false, false, "Negative log likelihood of gamma regression"},
      {"interval-regression-accuracy", true, false, false, "Share of rows whose prediction lies between their bounds"},
      {"logloss", false, false, false, "Negative log likelihood of two classes"},
      {"mae", false, true, false, "Mean absolute error"},
      {"map", true, false, false, "Mean average precision of a ranking"},
      {"mape", false, false, false, "Mean absolute error as a share of the label"},
      {"merror", false, false, false, "Share of rows whose class is wrong"},
      {"mlogloss", false, false, false, "Negative log likelihood of several classes"},
      {"mphe", false, false, false, "Mean pseudo-Huber error"},
      {"mse", false, true, false, "Mean squared error"},
      {"ndcg", true, false, false, "Normalised discounted gain of a ranking"},
      {"poisson-nloglik", false, false, false, "Negative log likelihood of Poisson regression"},
      {"precision", true, true, true, "Share of rows of class 1 among those predicted so"},
      {"precision_macro", true, true, true, "Mean precision of the classes"},
      {"precision_micro", true, true, true, "Share of rows predicted rightly among those predicted"},
      {"r2", true, true, false, "Share of the labels' variance that the predictions explain"},
      {"recall", true, true, true, "Share of rows predicted 1 among those of class 1"},
      {"recall_macro", true, true, true, "Mean recall of the classes"},
      {"recall_micro", true, true, true, "Share of rows predicted rightly"},
      {"rmse", false, true, false, "Root of the mean squared error"},
      {"rmsle", false, false, false, "Root of the mean squared error of logarithms"},
      {"tweedie-nloglik", false, false, false, "Negative log likelihood of Tweedie regression"},
  };
  return kinds;
}

std::string_view base_of(std::string_view metric) { return metric.substr(0, metric.find('@')); }

const MetricKind* find_metric(std::string_view name) {
  const auto found = std::find_if(metric_kinds().begin(), metric_kinds().end(), [&](const MetricKind& k) { return k.name == base_of(name); });
  return found == metric_kinds().end() ? nullptr : &*found;
}

}  // namespace smtrain::xgboost
