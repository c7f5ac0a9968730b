// What labels and weights must be before the engine sees them.
#pragma once

#include "algos/xgboost/params.h"
#include "formats/batch.h"

namespace smtrain::xgboost {

/// Throws a user Error that names the record of the first label that the objective cannot take (not finite; outside [0, 1] for
/// logistic losses; none of the classes; negative for counts, ...) or of a weight that is negative or not finite, or the file of rows
/// that bear no label.
void check_rows(const Params& params, const formats::Batch& batch);

}  // namespace smtrain::xgboost
