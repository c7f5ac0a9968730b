// linear-learner: linear models for regression and classification, many side by side.
#pragma once

#include "job/algorithm.h"

namespace smtrain::linear {

/// For the registry.
const job::Algorithm& algorithm();

}  // namespace smtrain::linear
