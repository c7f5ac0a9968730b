// Training of PCA.
#pragma once

#include <memory>

#include "job/algorithm.h"

namespace smtrain::pca {

/// Trains by the settings of pca.cc's table and resolves what they leave to the data. Errors as job::Algorithm says.
std::unique_ptr<job::Predictor> train(job::Context& context, job::Settings& settings);

}  // namespace smtrain::pca
