// k-nearest neighbours, as the service's built-in algorithm of that name.
#pragma once

#include "job/algorithm.h"

namespace smtrain::knn {

/// The algorithm; lives as long as the process.
const job::Algorithm& algorithm();

}  // namespace smtrain::knn
