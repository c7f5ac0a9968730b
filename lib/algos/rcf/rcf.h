// Random cut forests, as the service's built-in algorithm of that name: anomaly scores of rows.
#pragma once

#include "job/algorithm.h"

namespace smtrain::rcf {

/// The algorithm; lives as long as the process.
const job::Algorithm& algorithm();

}  // namespace smtrain::rcf
