#include "gpu/probe.h"

#include <fmt/format.h>

#include <cstdlib>

#include "gpu/cublas.h"
#include "gpu/shared_library.h"

namespace smtrain::gpu {
namespace {

using compute::CudaDevice;
using compute::CudaMissing;
using compute::CudaReport;

constexpr int kLeastMajor = 8;  // this module holds code from sm_80 on
constexpr int kCapabilityMajor = 75, kCapabilityMinor = 76;  // CUdevice_attribute
constexpr int kNoDevice = 100;                               // CUDA_ERROR_NO_DEVICE

// The driver's functions, by their names; all return 0 for success.
struct Driver {
  int (*version)(int*) = nullptr;
  int (*init)(unsigned) = nullptr;
  int (*count)(int*) = nullptr;
  int (*device)(int*, int) = nullptr;
  int (*name)(char*, int, int) = nullptr;
  int (*attribute)(int*, int, int) = nullptr;
  int (*memory)(std::size_t*, int) = nullptr;
  int (*error_text)(int, const char**) = nullptr;

  std::string words(int error) const {
    const char* text = nullptr;
    return error_text(error, &text) == 0 && text != nullptr ? fmt::format("{} (error {})", text, error) : fmt::format("error {}", error);
  }
};

std::string version_text(int version) { return fmt::format("{}.{}", version / 1000, version % 1000 / 10); }

// A driver serves every runtime of its own major version and older ones.
int least_driver(int runtime) { return runtime / 1000 * 1000; }

CudaReport& fail(CudaReport& report, CudaMissing missing, std::string problem) {
  report.missing = missing;
  report.problem = std::move(problem);
  return report;
}

// " (CUDA_VISIBLE_DEVICES is "1,2")", or "".
std::string visible_devices() {
  const char* text = std::getenv("CUDA_VISIBLE_DEVICES");
  return text == nullptr ? "" : fmt::format(" (CUDA_VISIBLE_DEVICES is \"{}\")", text);
}

bool open_driver(Driver& driver, CudaReport& report) {
  std::string why;
  void* library = open_library("libcuda.so.1", why);
  if (library == nullptr) {
    fail(report, CudaMissing::driver, fmt::format("no NVIDIA driver: {}; install the driver, or use --device cpu", why));
    return false;
  }
  const std::string lacking = find_symbols(
      library, {symbol("cuDriverGetVersion", driver.version), symbol("cuInit", driver.init), symbol("cuDeviceGetCount", driver.count),
                symbol("cuDeviceGet", driver.device), symbol("cuDeviceGetName", driver.name),
                symbol("cuDeviceGetAttribute", driver.attribute), symbol("cuDeviceTotalMem_v2", driver.memory),
                symbol("cuGetErrorString", driver.error_text)});
  if (lacking.empty()) return true;
  fail(report, CudaMissing::driver_version,
       fmt::format("the NVIDIA driver (libcuda.so.1) lacks the function {}: it is damaged or too old; install a current driver", lacking));
  return false;
}

bool check_version(const Driver& driver, int runtime, CudaReport& report) {
  int version = 0;
  const int error = driver.version(&version);
  if (error == 0) report.driver = version_text(version);
  if (error == 0 && version >= least_driver(runtime)) return true;
  fail(report, CudaMissing::driver_version,
       error != 0 ? fmt::format("the NVIDIA driver does not tell its version: {}; reinstall it", driver.words(error))
                  : fmt::format("the NVIDIA driver serves CUDA {}; this build needs CUDA {} or later; install a newer driver, or a build "
                                "for CUDA {}",
                                version_text(version), version_text(least_driver(runtime)), version / 1000));
  return false;
}

bool list_devices(const Driver& driver, CudaReport& report) {
  int count = 0;
  int error = driver.init(0);
  if (error == 0) error = driver.count(&count);
  if (error == 0 && count == 0) error = kNoDevice;
  for (int i = 0; error == 0 && i < count; ++i) {
    CudaDevice found;
    char name[256] = "";
    int handle = 0;
    std::size_t memory = 0;
    error = driver.device(&handle, i);
    if (error == 0) error = driver.name(name, sizeof name - 1, handle);
    if (error == 0) error = driver.attribute(&found.major, kCapabilityMajor, handle);
    if (error == 0) error = driver.attribute(&found.minor, kCapabilityMinor, handle);
    if (error == 0) error = driver.memory(&memory, handle);
    found.name = name;
    found.memory = memory;
    report.devices.push_back(std::move(found));
  }
  if (error == 0) return true;
  report.devices.clear();
  fail(report, CudaMissing::device,
       fmt::format("no CUDA device is visible{}: the driver says: {}; check nvidia-smi, or use --device cpu", visible_devices(),
                   driver.words(error)));
  return false;
}

bool choose(std::optional<int> wanted, int local_rank, CudaReport& report) {
  const int count = static_cast<int>(report.devices.size());
  const std::optional<int> chosen = compute::choose_device(wanted, local_rank, count);
  if (!chosen) {
    fail(report, CudaMissing::index,
         fmt::format("device {} does not exist: {} {} visible{}, numbered from 0", wanted.value_or(local_rank), count,
                     count == 1 ? "device is" : "devices are", visible_devices()));
    return false;
  }
  const CudaDevice& device = report.devices[static_cast<std::size_t>(*chosen)];
  report.chosen = *chosen;
  if (device.major >= kLeastMajor) return true;
  fail(report, CudaMissing::device_version,
       fmt::format("device {} ({}) has compute capability {}.{}; this build needs {}.0 or later; use --device cpu or another device",
                   *chosen, device.name, device.major, device.minor, kLeastMajor));
  return false;
}

}  // namespace

CudaReport probe(std::optional<int> wanted, int local_rank, int runtime) {
  CudaReport report;
  report.runtime = version_text(runtime);
  Driver driver;
  if (!open_driver(driver, report) || !check_version(driver, runtime, report) || !list_devices(driver, report) ||
      !choose(wanted, local_rank, report)) {
    return report;
  }
  Cublas cublas;
  if (std::string problem = open_cublas(runtime / 1000, cublas, report.cublas); !problem.empty())
    fail(report, CudaMissing::library, std::move(problem));
  return report;
}

}  // namespace smtrain::gpu
