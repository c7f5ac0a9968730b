// Training of linear-learner.
#pragma once

#include <memory>

#include "job/algorithm.h"

namespace smtrain::linear {

/// Trains by the settings of hyperparameters.cc's table and resolves every `auto` among them. Errors as job::Algorithm says.
std::unique_ptr<job::Predictor> train(job::Context& context, job::Settings& settings);

}  // namespace smtrain::linear
