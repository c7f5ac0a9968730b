// Trained centres from a tarball.
#pragma once

#include <memory>

#include "job/algorithm.h"

namespace smtrain::kmeans {

/// From a tarball of ours, or of the service (model_algo-1). Throws a user Error that names the member.
std::unique_ptr<job::Predictor> load(const job::Model& model);

/// Whether a tarball without a manifest holds what the service writes for k-means.
bool recognises(const job::Model& model);

}  // namespace smtrain::kmeans
