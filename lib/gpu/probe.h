// The way to a usable device, step by step; the first step that fails is reported.
#pragma once

#include "compute/cuda_module.h"

namespace smtrain::gpu {

/// `runtime` is the CUDA version this module was built with, as 1000 * major + 10 * minor.
compute::CudaReport probe(std::optional<int> wanted, int local_rank, int runtime);

}  // namespace smtrain::gpu
