#include "algos/xgboost/own_metrics.h"

#include <algorithm>
#include <cmath>

#include "algos/xgboost/metric_list.h"
#include "base/error.h"

namespace smtrain::xgboost {
namespace {

// Of one class: its hits, how often it is there, how often it is predicted.
struct OneClass {
  double hits = 0, there = 0, predicted = 0;
  bool occurs() const { return there > 0 || predicted > 0; }
  double precision() const { return predicted > 0 ? hits / predicted : 0; }
  double recall() const { return there > 0 ? hits / there : 0; }
  double f1() const { return there + predicted > 0 ? 2 * hits / (there + predicted) : 0; }
};

std::vector<OneClass> by_class(const ClassCounts& counts) {
  std::vector<OneClass> all(counts.classes);
  for (std::size_t t = 0; t < counts.classes; ++t) {
    for (std::size_t p = 0; p < counts.classes; ++p) {
      const double n = counts.cells[t * counts.classes + p];
      all[t].there += n;
      all[p].predicted += n;
      if (t == p) all[t].hits += n;
    }
  }
  return all;
}

double mean_over(const std::vector<OneClass>& all, bool (*counted)(const OneClass&), double (*value)(const OneClass&)) {
  double sum = 0, n = 0;
  for (const OneClass& one : all) {
    if (!counted(one)) continue;
    sum += value(one);
    ++n;
  }
  return n > 0 ? sum / n : 0;
}

double share_right(const std::vector<OneClass>& all) {
  double hits = 0, rows = 0;
  for (const OneClass& one : all) {
    hits += one.hits;
    rows += one.there;
  }
  return rows > 0 ? hits / rows : 0;
}

ClassCounts count_classes(const Params& p, std::span<const float> predictions, std::span<const float> labels, dist::Communicator& workers) {
  ClassCounts counts;
  counts.classes = task_of(p.objective) == Task::multiclass ? static_cast<std::size_t>(p.num_class.value_or(2)) : 2;
  counts.cells.assign(counts.classes * counts.classes, 0.0);
  const std::vector<std::size_t> classes = predicted_classes(p, predictions, labels.size());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] != std::trunc(labels[i])) {
      throw user_error("eval_metric: label {} is no class; metrics of classes need labels that are whole numbers", static_cast<double>(labels[i]));
    }
    ++counts.cells[static_cast<std::size_t>(labels[i]) * counts.classes + std::min(classes[i], counts.classes - 1)];
  }
  workers.allreduce(counts.cells);
  return counts;
}

// Differences in float and sums in double, as the engine has them.
struct ErrorSums {
  double rows = 0, absolute = 0, squared = 0, spread = 0;
};

ErrorSums sum_errors(std::span<const float> predictions, std::span<const float> labels, dist::Communicator& workers) {
  double first[2] = {static_cast<double>(labels.size()), 0};
  for (const float y : labels) first[1] += static_cast<double>(y);
  workers.allreduce(first);
  const double mean = first[0] > 0 ? first[1] / first[0] : 0;
  double sums[3] = {0, 0, 0};
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const float difference = labels[i] - predictions[i];
    const double from_mean = static_cast<double>(labels[i]) - mean;
    sums[0] += static_cast<double>(std::abs(difference));
    sums[1] += static_cast<double>(difference * difference);
    sums[2] += from_mean * from_mean;
  }
  workers.allreduce(sums);
  return {first[0], sums[0], sums[1], sums[2]};
}

double error_metric(const std::string& name, const ErrorSums& sums) {
  const double rows = std::max(sums.rows, 1.0);
  if (name == "mae") return sums.absolute / rows;
  if (name == "mse") return sums.squared / rows;
  if (name == "rmse") return std::sqrt(sums.squared / rows);
  // As scikit-learn has it where all labels are alike.
  if (sums.spread == 0) return sums.squared == 0 ? 1 : 0;
  return 1 - sums.squared / sums.spread;
}

}  // namespace

double class_metric(const std::string& name, const ClassCounts& counts) {
  const std::vector<OneClass> all = by_class(counts);
  const auto occurs = [](const OneClass& c) { return c.occurs(); };
  const auto is_there = [](const OneClass& c) { return c.there > 0; };
  const auto precision = [](const OneClass& c) { return c.precision(); };
  const auto recall = [](const OneClass& c) { return c.recall(); };
  if (name == "balanced_accuracy") return mean_over(all, is_there, recall);
  if (name == "f1" || name == "f1_macro") return mean_over(all, occurs, [](const OneClass& c) { return c.f1(); });
  if (name == "precision_macro") return mean_over(all, occurs, precision);
  if (name == "recall_macro") return mean_over(all, occurs, recall);
  if (name == "f1_binary") return all[1].f1();
  if (name == "precision") return all[1].precision();
  if (name == "recall") return all[1].recall();
  return share_right(all);  // accuracy, and of one label a row the micro averages
}

std::vector<std::size_t> predicted_classes(const Params& params, std::span<const float> predictions, std::size_t rows) {
  std::vector<std::size_t> classes(rows);
  const std::size_t width = rows == 0 ? 1 : predictions.size() / rows;
  const float threshold = params.objective == "binary:logitraw" ? 0.0f : 0.5f;
  for (std::size_t i = 0; i < rows; ++i) {
    const float* row = predictions.data() + i * width;
    if (width > 1) classes[i] = static_cast<std::size_t>(std::max_element(row, row + width) - row);
    else if (params.objective == "multi:softmax") classes[i] = static_cast<std::size_t>(*row);
    else classes[i] = *row > threshold ? 1 : 0;
  }
  return classes;
}

std::vector<double> own_metrics(const Params& params, std::span<const std::string> names, std::span<const float> predictions,
                                std::span<const float> labels, dist::Communicator& workers) {
  const auto of_classes = [](const std::string& name) { return find_metric(name)->classes; };
  ClassCounts counts;
  ErrorSums sums;
  if (std::any_of(names.begin(), names.end(), of_classes)) counts = count_classes(params, predictions, labels, workers);
  if (!std::all_of(names.begin(), names.end(), of_classes)) sums = sum_errors(predictions, labels, workers);
  std::vector<double> values;
  for (const std::string& name : names) values.push_back(of_classes(name) ? class_metric(name, counts) : error_metric(name, sums));
  return values;
}

}  // namespace smtrain::xgboost
