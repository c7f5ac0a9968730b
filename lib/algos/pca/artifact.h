// The files of a PCA model beside its tensors: what the service itself writes, and a sidecar of what that leaves out.
#pragma once

#include <string>
#include <string_view>

#include "algos/pca/predictor.h"

namespace smtrain::pca {

constexpr const char* kServiceMember = "model_algo-1";

/// MXNet arrays mean (1, d), s (k) and v (d, k), float32.
std::string service_artifact(const Components& c);
/// Throws a user Error that names the member and what is wrong.
Components read_service_artifact(std::string_view bytes);
/// Whether the arrays of a model_algo-1 are PCA's.
bool is_service_artifact(std::string_view bytes);

/// JSON: shares of the variance, rows, order, hyperparameters.
std::string sidecar(const Components& c, const job::Manifest& manifest);

}  // namespace smtrain::pca
