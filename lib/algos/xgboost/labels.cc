#include "algos/xgboost/labels.h"

#include <cmath>

#include "base/error.h"
#include "base/text.h"

namespace smtrain::xgboost {
namespace {

// What an objective asks of a label, in words.
struct LabelRule {
  bool (*takes)(float label, float classes);
  const char* expected;
};

bool takes_any(float, float) { return true; }

LabelRule rule_of(const std::string& objective) {
  if (objective == "binary:hinge") return {[](float y, float) { return y == 0 || y == 1; }, "0 or 1"};
  if (objective.starts_with("binary:") || objective == "reg:logistic") {
    return {[](float y, float) { return y >= 0 && y <= 1; }, "in [0, 1] for logistic regression"};
  }
  if (objective.starts_with("multi:")) {
    return {[](float y, float classes) { return y >= 0 && y < classes && y == std::trunc(y); }, "a whole number in [0, num_class)"};
  }
  if (objective == "count:poisson" || objective == "reg:tweedie" || objective.starts_with("rank:")) {
    return {[](float y, float) { return y >= 0; }, "0 or more"};
  }
  if (objective == "reg:gamma" || objective == "survival:aft") return {[](float y, float) { return y > 0; }, "above 0"};
  if (objective == "reg:squaredlogerror") return {[](float y, float) { return y > -1; }, "above -1"};
  return {takes_any, "any number"};
}

std::string advice(const Params& p, float label) {
  if (task_of(p.objective) == Task::binary) {
    if (label == -1) return "; write 0 for -1";
    if (label == 2) return "; of classes 1 and 2 subtract 1, more than two classes need multi:softmax or multi:softprob";
    return "; is the label in the first column?";
  }
  if (task_of(p.objective) == Task::multiclass && p.num_class && label == static_cast<float>(*p.num_class)) {
    return fmt::format(" and num_class is {}: if your classes begin with 1, subtract 1 from each, otherwise raise num_class", *p.num_class);
  }
  return task_of(p.objective) == Task::multiclass ? fmt::format("; num_class is {}", p.num_class.value_or(0)) : "";
}

[[noreturn]] void refuse(const Params& p, const formats::Batch& batch, std::size_t row, const LabelRule& rule) {
  const float label = batch.labels[row];
  if (!std::isfinite(label)) throw user_error("{}: label is {}; labels must be finite numbers", batch.where(row), std::isnan(label) ? "missing" : "infinite");
  throw user_error("{}: label {} with objective {}: label must be {}{}", batch.where(row), static_cast<double>(label), p.objective, rule.expected,
                   advice(p, label));
}

}  // namespace

void check_rows(const Params& params, const formats::Batch& batch) {
  if (batch.rows == 0) return;
  if (batch.labels == nullptr || batch.label_width != 1) {
    throw user_error("{}: rows bear {} labels; expected one: the first column of a CSV file or of Parquet, the first number of a libsvm line, or "
                     "\"label\" of a record", batch.where(0), batch.labels == nullptr ? 0 : batch.label_width);
  }
  const LabelRule rule = rule_of(params.objective);
  const float classes = static_cast<float>(params.num_class.value_or(2));
  for (std::size_t i = 0; i < batch.rows; ++i) {
    if (!std::isfinite(batch.labels[i]) || !rule.takes(batch.labels[i], classes)) refuse(params, batch, i, rule);
    if (batch.weights == nullptr || (batch.weights[i] >= 0 && std::isfinite(batch.weights[i]))) continue;
    throw user_error("{}: weight {}; weights must be finite and 0 or more", batch.where(i), static_cast<double>(batch.weights[i]));
  }
}

}  // namespace smtrain::xgboost
