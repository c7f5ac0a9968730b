// What libsmtrain_cuda.so exports.
#include <fmt/format.h>

#include "compute/cuda_module.h"
#include "gpu/cuda_calls.h"
#include "gpu/cuda_device.h"
#include "gpu/gpu_backend.h"
#include "gpu/probe.h"

namespace smtrain::gpu {
namespace {

compute::CudaReport probe_this_build(std::optional<int> wanted, int local_rank) {
  return probe(wanted, local_rank, cuda::runtime_version());
}

std::unique_ptr<compute::Backend> make_backend(const HostServices& services, const compute::CudaReport& report) {
  const compute::CudaDevice& chosen = report.devices[static_cast<std::size_t>(report.chosen)];
  compute::DeviceInfo info{"cuda", chosen.name, fmt::format("sm_{}{}", chosen.major, chosen.minor), chosen.memory, 1};
  return std::make_unique<GpuBackend>(services, make_cuda_device(services, report), std::move(info));
}

constexpr compute::CudaModule kModule{&probe_this_build, &make_backend};

}  // namespace
}  // namespace smtrain::gpu

extern "C" __attribute__((visibility("default"))) const smtrain::ModuleEntry* smtrain_module() {
  static const smtrain::ModuleEntry entry{sizeof(smtrain::ModuleEntry), SMTRAIN_MODULE_STAMP, SMTRAIN_VERSION,
                                          const_cast<smtrain::compute::CudaModule*>(&smtrain::gpu::kModule)};
  return &entry;
}
