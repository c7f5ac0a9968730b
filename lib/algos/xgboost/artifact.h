// The files of a model: what the engine itself writes.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "algos/xgboost/booster.h"
#include "job/algorithm.h"
#include "job/model.h"

namespace smtrain::xgboost {

/// What training leaves, or a tarball holds.
struct Artifact {
  std::map<std::string, std::string> models;  ///< "xgboost-model", or of folds "xgboost-model-0", ...: as the engine writes them
  std::map<std::string, std::string> others;  ///< "predictions.csv"
};

enum class ModelKind { ubjson, json, binary, pickle, unknown };
ModelKind kind_of(std::string_view bytes);

void save(const Artifact& artifact, job::Model& model);

/// The models of a tarball, each found whole. Throws a user Error: none there; a damaged one; or a Python pickle, which is never executed,
/// with what to do about it.
Artifact read_artifact(const job::Model& model);

/// Whether a tarball without a manifest holds a model of XGBoost.
bool recognises(const job::Model& model);

/// A model loaded. `name` is for messages. Throws a user Error.
Booster load_booster(const Library& library, std::string_view bytes, const std::string& name);

/// What there is to say about a model: who made it, objective, booster, rounds, and how important each feature is, the most important
/// first: weight (splits), gain and cover on average and in total.
std::vector<std::pair<std::string, std::string>> facts_of(const Booster& booster);

/// As job::Predictor::coefficients has it; features in their order, those that nothing uses with zeros.
job::Coefficients importance_of(const Booster& booster);

}  // namespace smtrain::xgboost
