// The interface between the program and the CUDA module, libsmtrain_cuda.so, which is opened when a run asks for it: the
// executable links no CUDA library. lib/gpu implements CudaModule; the rest is here and in cuda_module.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/module.h"
#include "compute/backend.h"

namespace smtrain::compute {

/// What stands in the way of CUDA, in the order in which it is looked for.
enum class CudaMissing {
  nothing,
  module,          ///< not there, not loadable, or another build's
  driver,          ///< libcuda.so.1 is not there: the machine has no NVIDIA driver
  driver_version,  ///< the driver is older than this build needs, or incomplete
  device,          ///< no device is visible
  index,           ///< the device asked for is not among them: the user's fault
  device_version,  ///< its compute capability is too low
  library,         ///< cuBLAS: missing, of another version, or incomplete
};

struct CudaDevice {
  std::string name;
  int major = 0, minor = 0;  ///< compute capability
  std::uint64_t memory = 0;  ///< bytes
};

/// What was found on the way to a usable device, up to the first thing missing.
struct CudaReport {
  CudaMissing missing = CudaMissing::nothing;
  std::string problem;                          ///< cause and what to do; empty when nothing is missing
  std::string runtime, driver, cublas;          ///< versions, "13.0"; empty as long as not found
  std::vector<CudaDevice> devices;              ///< those that CUDA_VISIBLE_DEVICES leaves
  int chosen = -1;                              ///< of them
};

/// Which device a process takes: the one asked for; else its rank on this host modulo their number. None when there is none such.
constexpr std::optional<int> choose_device(std::optional<int> wanted, int local_rank, int count) {
  if (wanted) return *wanted >= 0 && *wanted < count ? wanted : std::nullopt;
  if (count <= 0 || local_rank < 0) return std::nullopt;
  return local_rank % count;
}

/// What ModuleEntry::open of the module points to.
struct CudaModule {
  /// Looks for driver, device and cuBLAS; starts nothing on the device.
  CudaReport (*probe)(std::optional<int> wanted, int local_rank) = nullptr;
  /// A backend on a device that probe found usable. Throws through `services`.
  std::unique_ptr<Backend> (*make_backend)(const HostServices& services, const CudaReport& report) = nullptr;
};

/// Opens the module and probes. Throws nothing about CUDA: what is missing stands in the report.
CudaReport probe_cuda(std::optional<int> wanted, int local_rank);

/// A backend on the device of a report that misses nothing. `log` outlives it. Throws a machine Error with CUDA's own words.
std::unique_ptr<Backend> make_cuda_backend(const CudaReport& report, Log& log);

}  // namespace smtrain::compute
