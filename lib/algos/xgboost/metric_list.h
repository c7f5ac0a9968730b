// The metrics there are: those the engine computes and those of the service's container.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smtrain::xgboost {

struct MetricKind {
  std::string name;
  bool maximised = false;
  bool ours = false;      ///< computed here, by scikit-learn's definition, without weights
  bool classes = false;   ///< of classes: needs an objective that predicts them
  std::string help;       ///< without channel: "Share of rows whose class is wrong"
};

const std::vector<MetricKind>& metric_kinds();

/// By a name such as "ndcg@5"; nullptr for an unknown one.
const MetricKind* find_metric(std::string_view name);
/// "ndcg" of "ndcg@5".
std::string_view base_of(std::string_view metric);

}  // namespace smtrain::xgboost
