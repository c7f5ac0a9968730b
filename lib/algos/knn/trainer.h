// Training of k-nearest neighbours.
#pragma once

#include <memory>

#include "job/algorithm.h"

namespace smtrain::knn {

/// Trains by the settings of knn.cc's table and resolves every `auto` among them. Errors as job::Algorithm says.
std::unique_ptr<job::Predictor> train(job::Context& context, job::Settings& settings);

}  // namespace smtrain::knn
