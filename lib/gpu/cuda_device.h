// The CUDA runtime and cuBLAS as a Device.
#pragma once

#include <memory>

#include "compute/cuda_module.h"
#include "gpu/device.h"

namespace smtrain::gpu {

/// The device that a probe chose. `services` outlives it.
std::unique_ptr<Device> make_cuda_device(const HostServices& services, const compute::CudaReport& report);

}  // namespace smtrain::gpu
