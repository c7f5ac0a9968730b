// How long a run may take.
#pragma once

#include <optional>

#include "base/log.h"
#include "run/requests.h"

namespace smtrain::run {

/// --max-runtime; else, for a run that can save what it has come to, what is left until SLURM_JOB_END_TIME less a margin for a
/// last checkpoint: 60 s, at most half of it. A variable that is no time, or is over, is ignored with a warning.
std::optional<From<double>> time_limit(const TrainRequest& request, Log& log);

}  // namespace smtrain::run
