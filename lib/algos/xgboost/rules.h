// What hyperparameters may be, and which go together.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "algos/xgboost/params.h"

namespace smtrain::xgboost {

const std::vector<std::string>& objectives();
const std::vector<std::string>& updaters();

/// What is asked of a set of values; looks at a filled Params.
std::vector<job::Rule> rules();

}  // namespace smtrain::xgboost
