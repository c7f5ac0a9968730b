// Sums of gradients that touch few rows of a large matrix, over the processes of a run.
#pragma once

#include <cstddef>

#include "compute/backend.h"
#include "dist/communicator.h"

namespace smtrain::job {

/// The rows that any process has picked (Backend::pick), ascending, each the sum of what the processes hold there: added in rank order in
/// float64, so that all get the same bytes. `width`: numbers of a row, the same everywhere. Collective. Of one process its own rows.
compute::Backend::PickedRows sum_rows(compute::Backend::PickedRows own, std::size_t width, dist::Communicator& workers);

}  // namespace smtrain::job
