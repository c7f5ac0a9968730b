// Training of a random cut forest.
#pragma once

#include <memory>

#include "job/algorithm.h"

namespace smtrain::rcf {

/// Trains by the settings of hyperparameters.cc's table and resolves what they leave to the data. Errors as job::Algorithm says.
std::unique_ptr<job::Predictor> train(job::Context& context, job::Settings& settings);

}  // namespace smtrain::rcf
