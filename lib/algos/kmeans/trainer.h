// Training of k-means.
#pragma once

#include <memory>

#include "job/algorithm.h"

namespace smtrain::kmeans {

/// Trains by the settings of kmeans.cc's table and resolves every `auto` among them. Errors as job::Algorithm says.
std::unique_ptr<job::Predictor> train(job::Context& context, job::Settings& settings);

}  // namespace smtrain::kmeans
