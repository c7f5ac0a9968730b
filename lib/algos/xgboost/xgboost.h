// Gradient boosted trees by the XGBoost library.
#pragma once

#include "job/algorithm.h"

namespace smtrain::xgboost {

const job::Algorithm& algorithm();

}  // namespace smtrain::xgboost
