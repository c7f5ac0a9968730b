#include "algos/xgboost/early_stopping.h"

#include <cmath>

#include "algos/xgboost/metric_list.h"

namespace smtrain::xgboost {

bool EarlyStopping::update(std::int64_t round, double value) {
  last_round_ = round;
  const bool better = best_round_ < 0 ? !std::isnan(value) : maximised_ ? value > best_ : value < best_;
  if (!better) return false;
  best_round_ = round;
  best_ = value;
  return true;
}

void EarlyStopping::restore(std::int64_t best_round, double best, std::int64_t last_round) {
  best_round_ = best_round;
  best_ = best;
  last_round_ = last_round;
}

bool is_maximised(std::string_view metric) {
  const MetricKind* kind = find_metric(metric);
  return kind != nullptr && kind->maximised;
}

}  // namespace smtrain::xgboost
