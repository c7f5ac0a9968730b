#include "run/device.h"

#include "base/error.h"
#include "base/machine.h"
#include "base/text.h"

namespace smtrain::run {

std::unique_ptr<compute::Backend> make_backend(const CommonSettings& common, Log& log) {
  if (common.device.value.starts_with("cuda")) {
    throw user_error("--device {}: this build has no CUDA module; use --device cpu or auto", common.device.value);
  }
  auto backend = compute::make_cpu_backend(common.threads.value);
  const compute::DeviceInfo& device = backend->device();
  log.info("device: {} ({}, {} kernels), {} threads ({})", device.kind, device.name, device.kernels, device.threads,
           common.threads.origin);
  return backend;
}

}  // namespace smtrain::run
