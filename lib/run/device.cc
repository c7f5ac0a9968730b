#include "run/device.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "algos/libraries.h"
#include "base/error.h"
#include "base/machine.h"
#include "base/text.h"
#include "compute/cuda_module.h"
#include "dist/launch.h"

namespace smtrain::run {
namespace {

using compute::CudaMissing;
using compute::CudaReport;

std::optional<int> wanted_device(const std::string& device) {
  if (!device.starts_with("cuda:")) return std::nullopt;
  // The setting was checked to be a number; one that no int holds is no device either.
  int number = std::numeric_limits<int>::max();
  std::from_chars(device.data() + 5, device.data() + device.size(), number);
  return number;
}

std::unique_ptr<compute::Backend> cuda_backend(const CudaReport& report, Log& log) {
  auto backend = compute::make_cuda_backend(report, log);
  const compute::DeviceInfo& device = backend->device();
  log.info("device: {} {} of {} ({}, {} kernels, driver {}, cuBLAS {})", device.kind, report.chosen, report.devices.size(), device.name,
           device.kernels, report.driver, report.cublas);
  return backend;
}

// Why auto goes on with the CPU: briefly where nobody would expect a GPU, in full where something is amiss.
std::string why_not(const CudaReport& report) {
  if (report.missing == CudaMissing::module) return "no CUDA module";
  if (report.missing == CudaMissing::driver) return "no NVIDIA driver";
  return "CUDA is not used: " + report.problem;
}

std::unique_ptr<compute::Backend> cpu_backend(const CommonSettings& common, const std::string& note, Log& log) {
  auto backend = compute::make_cpu_backend(common.threads.value);
  const compute::DeviceInfo& device = backend->device();
  log.info("device: {} ({}, {} kernels), {} ({}){}{}", device.kind, device.name, device.kernels,
           counted(static_cast<std::uint64_t>(device.threads), "thread"), common.threads.origin, note.empty() ? "" : "; ", note);
  return backend;
}

// A device that is there may still refuse: used up, or given to another process alone.
std::unique_ptr<compute::Backend> automatic_backend(const CommonSettings& common, const CudaReport& report, Log& log) {
  std::string note = why_not(report);
  if (report.missing == CudaMissing::nothing) {
    try {
      return cuda_backend(report, log);
    } catch (const Error& e) {
      note = fmt::format("CUDA is not used: {}", e.what());
    }
  }
  return cpu_backend(common, note, log);
}

bool runs_on_cuda(const job::Description& algorithm) {
  return std::find(algorithm.devices.begin(), algorithm.devices.end(), "cuda") != algorithm.devices.end();
}

// What an engine from outside computes on is its own affair.
Error refusal_by_engine(const std::string& wanted, const Library& engine) {
  if (engine.version.empty()) return machine_error("--device {}: {}", wanted, engine.detail);
  if (engine.detail.find("without CUDA") == std::string::npos) {
    return user_error("--device {}: {} {} chooses its device by hyperparameters; give --tree_method gpu_hist instead", wanted, engine.name,
                      engine.version);
  }
  return machine_error("--device {}: {} {} ({}) was built without CUDA; name a library that has it in SMTRAIN_XGBOOST_LIB, or give --device cpu or "
                       "auto", wanted, engine.name, engine.version, join(loaded_libraries(engine.file), ", "));
}

Error refusal(const std::string& wanted, const job::Description& algorithm) {
  for (const Library& engine : algos::libraries()) {
    if (engine.name == algorithm.title) return refusal_by_engine(wanted, engine);
  }
  return user_error("--device {}: {} runs on the CPU alone; give --device cpu or auto", wanted, algorithm.name);
}

}  // namespace

void check_device(const CommonSettings& common, const job::Description& algorithm, Log& log) {
  const std::string& wanted = common.device.value;
  if (wanted == "cpu" || wanted == "auto") return;
  if (!runs_on_cuda(algorithm)) throw refusal(wanted, algorithm);
  const CudaReport report = compute::probe_cuda(wanted_device(wanted), dist::launch().local_rank);
  if (report.missing == CudaMissing::index) throw user_error("--device {}: {}", wanted, report.problem);
  if (report.missing != CudaMissing::nothing) log.warning("this machine could not train: --device {}: {}", wanted, report.problem);
}

std::unique_ptr<compute::Backend> make_backend(const CommonSettings& common, const job::Description& algorithm, Log& log) {
  const std::string& wanted = common.device.value;
  if (wanted == "cpu") return cpu_backend(common, "", log);
  if (!runs_on_cuda(algorithm)) {
    if (wanted != "auto") throw refusal(wanted, algorithm);
    return cpu_backend(common, algorithm.name + " runs on the CPU alone", log);
  }
  const CudaReport report = compute::probe_cuda(wanted_device(wanted), dist::launch().local_rank);
  if (wanted == "auto") return automatic_backend(common, report, log);
  if (report.missing == CudaMissing::nothing) return cuda_backend(report, log);
  throw Error(report.missing == CudaMissing::index ? Fault::user : Fault::machine, fmt::format("--device {}: {}", wanted, report.problem));
}

}  // namespace smtrain::run
