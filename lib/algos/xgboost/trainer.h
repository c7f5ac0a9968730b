// Training of xgboost.
#pragma once

#include <memory>

#include "job/algorithm.h"

namespace smtrain::xgboost {

/// Trains by the settings of hyperparameters(). Errors as job::Algorithm says.
std::unique_ptr<job::Predictor> train(job::Context& context, job::Settings& settings);

}  // namespace smtrain::xgboost
