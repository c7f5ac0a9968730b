// Models from outside, looked through before the engine reads them: it trusts what it reads, and would follow a damaged tree anywhere.
#pragma once

#include <string>
#include <string_view>

#include "algos/xgboost/artifact.h"

namespace smtrain::xgboost {

/// Throws a user Error that says what is wrong: not whole, arrays of a tree of different lengths, a node that leads to no node, a feature
/// or a class that the model does not have. Knows the engine's JSON, its UBJSON and the old binary form (of XGBoost up to 2).
void check_model(std::string_view bytes, const std::string& name);

}  // namespace smtrain::xgboost
