#include <algorithm>
#include <nlohmann/json.hpp>

#include "algos/libraries.h"
#include "base/error.h"
#include "base/machine.h"
#include "base/shared_object.h"
#include "base/text.h"
#include "compute/cuda_module.h"
#include "compute/libraries.h"
#include "dist/connect.h"
#include "formats/libraries.h"
#include "run/build_info.h"
#include "run/requests.h"
#include "run/console/text_table.h"

#ifndef SMTRAIN_BUILD_TYPE
#define SMTRAIN_BUILD_TYPE "unknown"
#endif
#ifndef SMTRAIN_BUILD_FLAGS
#define SMTRAIN_BUILD_FLAGS ""
#endif

namespace smtrain::run {
namespace {

using Json = nlohmann::ordered_json;
using Fields = std::vector<std::pair<std::string, std::string>>;

struct LoadedLibrary {
  Library library;
  std::string from;  // path, or "linked in"
};

struct Device {
  std::string name, state;
};

// The MPI module: whose library stands behind it, or why it cannot be used.
struct Mpi {
  std::string version, problem;
  std::string launcher;
};

struct Info {
  std::vector<LoadedLibrary> libraries;
  std::vector<std::string> openmp_runtimes;
  std::string cpu;
  std::vector<std::string> features;
  std::string kernels;
  std::vector<Device> devices;
  Mpi mpi;
  CommonSettings common;
};

std::string compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#else
  return "g++ " __VERSION__;
#endif
}

std::string libc() {
#ifdef __GLIBC__
  return fmt::format("glibc {}.{}", __GLIBC__, __GLIBC_MINOR__);
#else
  return "unknown";
#endif
}

std::vector<LoadedLibrary> all_libraries() {
  std::vector<Library> found = compute::libraries();
  const std::vector<Library> formats = formats::libraries();
  found.insert(found.end(), formats.begin(), formats.end());
  const std::vector<Library> engines = algos::libraries();
  found.insert(found.end(), engines.begin(), engines.end());
  std::vector<LoadedLibrary> all;
  for (Library& library : found) {
    const std::vector<std::string> paths = library.file.empty() ? std::vector<std::string>{} : loaded_libraries(library.file);
    std::string from = paths.empty() ? library.version.empty() ? "not available" : "linked in" : join(paths, ", ");
    all.push_back({std::move(library), std::move(from)});
  }
  return all;
}

// The module, what it found on the way to a device, and every device.
std::vector<Device> devices(const CommonSettings& common, const compute::CudaReport& cuda) {
  std::vector<Device> all{{"cpu", counted(static_cast<std::uint64_t>(common.threads.value), "thread")}};
  const bool usable = cuda.missing == compute::CudaMissing::nothing;
  all.push_back({"cuda", usable ? fmt::format("ready, built with CUDA {}", cuda.runtime) : "not available: " + cuda.problem});
  for (std::size_t i = 0; i < cuda.devices.size(); ++i) {
    const compute::CudaDevice& device = cuda.devices[i];
    all.push_back({fmt::format("cuda:{}", i), fmt::format("{}, compute capability {}.{}, {}", device.name, device.major, device.minor,
                                                          format_bytes(device.memory))});
  }
  return all;
}

void add_loaded(std::vector<LoadedLibrary>& all, const std::string& name, const std::string& version, const std::string& file) {
  const std::vector<std::string> paths = loaded_libraries(file);
  if (!version.empty() && !paths.empty()) all.push_back({{name, version, "", file}, join(paths, ", ")});
}

Mpi mpi() {
  const dist::Launch& launch = dist::launch();
  Mpi found{"", "", launch.several() ? fmt::format("{}, rank {} of {}", name_of(launch.kind), launch.rank, launch.size) : "one process"};
  try {
    found.version = dist::mpi_version();
  } catch (const Error& e) {
    found.problem = e.what();
  }
  return found;
}

Info gather(const CommonSettings& common) {
  const compute::CudaReport cuda = compute::probe_cuda(std::nullopt, 0);
  std::vector<LoadedLibrary> libraries = all_libraries();
  add_loaded(libraries, "CUDA module", version(), "libsmtrain_cuda");
  add_loaded(libraries, "NVIDIA driver (CUDA)", cuda.driver, "libcuda.so");
  add_loaded(libraries, "cuBLAS", cuda.cublas, "libcublas.so");
  return {std::move(libraries), openmp_runtimes(), cpu_model(), cpu_features(), name_of(kernel_level()), devices(common, cuda), mpi(), common};
}

std::string runtimes_in_words(const std::vector<std::string>& runtimes) {
  if (runtimes.empty()) return "none";
  return runtimes.size() == 1 ? "one: " + runtimes[0]
                              : fmt::format("{}: {}; expected one", runtimes.size(), join(runtimes, ", "));
}

std::string text_of(const Info& info) {
  std::string text = text_fields({{"smtrain", version()},
                                  {"build", std::string(trim(SMTRAIN_BUILD_TYPE " " SMTRAIN_BUILD_FLAGS))},
                                  {"compiler", compiler() + ", " + libc()},
                                  {"CPU", info.cpu},
                                  {"features", join(info.features, " ")},
                                  {"kernels", info.kernels},
                                  {"threads", fmt::format("{} ({})", info.common.threads.value, info.common.threads.origin)},
                                  {"memory", fmt::format("{} ({})", format_bytes(info.common.memory_limit.value), info.common.memory_limit.origin)},
                                  {"seed", fmt::format("{} ({})", info.common.seed.value, info.common.seed.origin)},
                                  {"device", fmt::format("{} ({})", info.common.device.value, info.common.device.origin)},
                                  {"MPI", info.mpi.problem.empty() ? info.mpi.version : info.mpi.problem},
                                  {"started by", info.mpi.launcher}});
  Fields fields;
  for (const Device& device : info.devices) fields.emplace_back("  " + device.name, device.state);
  text += "\ndevices\n" + text_fields(fields);
  std::vector<std::vector<std::string>> rows{{"  library", "version", "loaded from", ""}};
  for (const auto& [library, from] : info.libraries) {
    rows.push_back({"  " + library.name, library.version, from, library.detail});
  }
  text += "\nlibraries\n" + text_table(rows, 400);
  return text + "\nOpenMP runtimes loaded: " + runtimes_in_words(info.openmp_runtimes) + "\n";
}

template <class T>
Json setting_json(const From<T>& setting) {
  return {{"value", setting.value}, {"origin", setting.origin}};
}

std::string json_of(const Info& info) {
  Json json{{"schema", 1},
            {"version", version()},
            {"build", {{"type", SMTRAIN_BUILD_TYPE}, {"flags", SMTRAIN_BUILD_FLAGS}, {"compiler", compiler()}, {"libc", libc()}}},
            {"cpu", {{"model", info.cpu}, {"features", info.features}}},
            {"kernels", info.kernels},
            {"threads", setting_json(info.common.threads)},
            {"memory", setting_json(info.common.memory_limit)},
            {"seed", setting_json(info.common.seed)},
            {"device", setting_json(info.common.device)}};
  json["mpi"] = info.mpi.problem.empty() ? Json{{"version", info.mpi.version}} : Json{{"problem", info.mpi.problem}};
  json["mpi"]["started_by"] = info.mpi.launcher;
  json["devices"] = Json::array();
  for (const Device& device : info.devices) json["devices"].push_back({{"name", device.name}, {"state", device.state}});
  json["libraries"] = Json::array();
  for (const auto& [library, from] : info.libraries) {
    json["libraries"].push_back({{"name", library.name}, {"version", library.version}, {"detail", library.detail}, {"loaded_from", from}});
  }
  json["openmp_runtimes"] = info.openmp_runtimes;
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

void info(bool json, const CommonSettings& common, Console& console) {
  const Info gathered = gather(common);
  console.print(json ? json_of(gathered) : text_of(gathered));
}

}  // namespace smtrain::run
