// What the engine is told of the hyperparameters, by the engine's version.
#pragma once

#include <string>

#include "algos/xgboost/booster.h"
#include "algos/xgboost/params.h"
#include "base/log.h"

namespace smtrain::xgboost {

struct EngineOptions {
  int threads = 1;         ///< where nthread does not say otherwise
  std::int64_t seed = 0;   ///< where seed does not say otherwise
  bool cuda = false;       ///< the engine is to compute on a GPU
  int cuda_device = 0;
};

/// Everything that was given, by the engine's names, and verbosity, nthread and seed in any case. What this version of the engine does
/// not know any longer is translated or left out with a warning (by the table in the reference page). What is given but used by
/// nothing is a user Error that names it and what it belongs to, unless its value is the default.
Parameters engine_parameters(const Library& library, const Params& params, const job::Settings& settings, const EngineOptions& options,
                             Log& log);

}  // namespace smtrain::xgboost
