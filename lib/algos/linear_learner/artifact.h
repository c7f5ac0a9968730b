// model_algo-1 of linear-learner: a zip with a network of MXNet and what there is to know beside it.
#pragma once

#include <string>
#include <string_view>

#include "algos/linear_learner/predictor.h"

namespace smtrain::linear {

constexpr const char* kServiceMember = "model_algo-1";

/// Members, stored:
///   additional-params.json  predictor_type, loss, num_classes, feature_dim, threshold, criterion, hyperparameters (those chosen),
///                           columns (names of the features)
///   manifest.json           the names of the others, and a version
///   mx-mod-0000.params      NDArray list of arg:fc0_weight (classes, d) and arg:fc0_bias (classes)
///   mx-mod-symbol.json      data → FullyConnected fc0 → out: logistic, softmax or the identity, with the label out_label
std::string write_artifact(const LinearModel& model);

/// The model of such a zip, without a continuation. The service's additional-params.json is not documented: what it leaves
/// open is told from the network. Throws a user Error that names the member.
LinearModel read_artifact(std::string_view bytes, const std::string& name);

/// What additional-params.json of such a zip says, over a model that has its tensors.
void read_artifact_params(std::string_view bytes, const std::string& name, LinearModel& model);

bool is_artifact(std::string_view bytes);

}  // namespace smtrain::linear
