// The metrics of the service's container, by scikit-learn's definitions: without weights, on predictions in the unit of the label.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "algos/xgboost/booster.h"
#include "algos/xgboost/params.h"
#include "dist/communicator.h"

namespace smtrain::xgboost {

/// How often each class was taken for which: cell (truth, prediction) at truth * classes + prediction. What rows nobody has, is 0.
struct ClassCounts {
  std::size_t classes = 0;
  std::vector<double> cells;
};

/// accuracy, balanced_accuracy (over the classes there are), f1 and f1_macro (mean over the classes that are there or predicted; 0 for one
/// that has no hit), precision_*, recall_*; of two classes f1_binary, precision, recall (of class 1).
double class_metric(const std::string& name, const ClassCounts& counts);

/// The class that a prediction means: above 0.5 (binary:logistic, hinge), above 0 (logitraw), the number itself (softmax), the largest
/// (softprob). predictions (rows) or (rows, classes).
std::vector<std::size_t> predicted_classes(const Params& params, std::span<const float> predictions, std::size_t rows);

/// The named metrics, all of them ours, of all processes' rows together; predictions as Booster::predict gives them. Collective. Throws a
/// user Error where labels of classes are not whole numbers.
std::vector<double> own_metrics(const Params& params, std::span<const std::string> names, std::span<const float> predictions,
                                std::span<const float> labels, dist::Communicator& workers);

}  // namespace smtrain::xgboost
