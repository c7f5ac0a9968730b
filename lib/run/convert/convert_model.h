// `convert MODEL.tar.gz OUT.csv`: a tensor of a model as a table, such as the centres of k-means or the weights of linear-learner.
#pragma once

#include "run/convert/conversion.h"

namespace smtrain::run {

/// Writes the model's coefficients with the names of their columns, or its only matrix, or the tensor that the output type names
/// (;tensor=NAME), a row per line. Throws a user
/// Error that lists the tensors there are when none or several would do.
void convert_model(const ConvertRequest& request, DataKind from, DataKind to, Console& console);

}  // namespace smtrain::run
