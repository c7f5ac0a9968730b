// Training of factorization machines.
#pragma once

#include <memory>

#include "job/algorithm.h"

namespace smtrain::fm {

/// Trains by the settings of factorization_machines.cc's table. Errors as job::Algorithm says.
std::unique_ptr<job::Predictor> train(job::Context& context, job::Settings& settings);

}  // namespace smtrain::fm
