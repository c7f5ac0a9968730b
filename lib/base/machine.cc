#include "base/machine.h"

#include <fmt/format.h>
#include <link.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>

#include "base/cgroup.h"
#include "base/error.h"
#include "base/text.h"

namespace smtrain {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

std::optional<std::uint64_t> positive(std::string_view text) {
  text = trim(text);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0) return std::nullopt;
  return value;
}

// The first number of a list: OMP_NUM_THREADS may be "4,2", one entry per level of nesting.
std::optional<std::uint64_t> positive_variable(const char* name) {
  const char* text = std::getenv(name);
  return text != nullptr ? positive(split(text, ',').front()) : std::nullopt;
}

// The value of `key:` in a file of such lines (cpuinfo, meminfo, status).
std::optional<std::string> field_of(const fs::path& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(':');
    if (colon != std::string::npos && trim(std::string_view(line).substr(0, colon)) == key) {
      return std::string(trim(std::string_view(line).substr(colon + 1)));
    }
  }
  return std::nullopt;
}

// "123 kB" in bytes.
std::optional<std::uint64_t> kilobytes_of(const fs::path& path, std::string_view key) {
  const auto text = field_of(path, key);
  if (!text) return std::nullopt;
  const auto kilobytes = positive(std::string_view(*text).substr(0, text->find(' ')));
  return kilobytes ? std::optional<std::uint64_t>(*kilobytes * 1024) : std::nullopt;
}

void keep_least(Sourced& least, std::optional<std::uint64_t> value, const char* origin) {
  if (value && *value < least.value) least = {*value, origin};
}

// The kernel refuses a mask smaller than its own, so the set grows until it fits.
std::vector<int> affinity_cpus() {
  constexpr std::size_t kMostCpus = std::size_t{1} << 20;
  std::vector<int> numbers;
  for (std::size_t cpus = 1024; cpus <= kMostCpus; cpus *= 2) {
    cpu_set_t* set = CPU_ALLOC(cpus);
    if (set == nullptr) break;
    const std::size_t size = CPU_ALLOC_SIZE(cpus);
    const bool fits = sched_getaffinity(0, size, set) == 0;
    const bool too_small = !fits && errno == EINVAL;
    for (std::size_t i = 0; fits && i < cpus; ++i) {
      if (CPU_ISSET_S(i, size, set)) numbers.push_back(static_cast<int>(i));
    }
    CPU_FREE(set);
    if (!numbers.empty() || !too_small) break;
  }
  if (numbers.empty()) {
    for (long i = 0; i < std::max(sysconf(_SC_NPROCESSORS_ONLN), 1L); ++i) numbers.push_back(static_cast<int>(i));
  }
  return numbers;
}

// CPUs in a list such as "0-3,8".
std::optional<std::uint64_t> cpus_in_list(std::string_view list) {
  std::uint64_t count = 0;
  for (const std::string_view range : split(trim(list), ',')) {
    const std::vector<std::string_view> ends = split(range, '-');
    std::array<std::uint64_t, 2> bounds{};
    for (const std::size_t i : {std::size_t{0}, std::size_t{1}}) {
      const std::string_view end = i == 0 ? ends.front() : ends.back();
      if (std::from_chars(end.data(), end.data() + end.size(), bounds[i]).ec != std::errc()) return std::nullopt;
    }
    if (bounds[1] < bounds[0]) return std::nullopt;
    count += bounds[1] - bounds[0] + 1;
  }
  return count;
}

std::uint64_t count_of_cpus(const std::string& root) {
  if (!root.empty()) {
    const auto list = field_of(root + "/proc/self/status", "Cpus_allowed_list");
    const auto count = list ? cpus_in_list(*list) : std::nullopt;
    if (count) return *count;
  }
  return affinity_cpus().size();
}

std::uint64_t physical_memory(const std::string& root) {
  if (const auto total = kilobytes_of(root + "/proc/meminfo", "MemTotal")) return *total;
  return static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::optional<std::uint64_t> mebibytes_variable(const char* name, std::uint64_t times) {
  const auto value = positive_variable(name);
  if (!value || *value > UINT64_MAX / kMiB / times) return std::nullopt;  // 0: all of the node
  return *value * kMiB * times;
}

std::uint64_t slurm_cpus(const std::string& root) {
  for (const char* name : {"SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE"}) {
    if (const auto cpus = positive_variable(name)) return *cpus;
  }
  return default_threads(root).value;
}

constexpr std::array<const char*, 3> kLevelNames = {"baseline", "avx2", "avx512"};

KernelLevel best_level() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (avx2 && avx512) return KernelLevel::avx512;
  if (avx2) return KernelLevel::avx2;
#endif
  return KernelLevel::baseline;
}

KernelLevel chosen_level() {
  const KernelLevel best = best_level();
  const char* wanted = std::getenv("SMTRAIN_KERNELS");
  if (wanted == nullptr || *wanted == '\0') return best;
  const auto found = std::find(kLevelNames.begin(), kLevelNames.end(), std::string_view(wanted));
  if (found == kLevelNames.end()) {
    throw user_error("SMTRAIN_KERNELS: {} is no kernel level; expected baseline, avx2 or avx512", quoted(wanted));
  }
  const auto level = static_cast<KernelLevel>(found - kLevelNames.begin());
  if (level > best) {
    throw user_error("SMTRAIN_KERNELS: this CPU cannot run {}; expected at most {}", wanted, name_of(best));
  }
  return level;
}

}  // namespace

Sourced default_threads() { return default_threads(""); }
Sourced memory_budget() { return memory_budget(""); }

std::vector<int> allowed_cpus() { return affinity_cpus(); }

Sourced default_threads_of_one(std::uint64_t cpus, std::uint64_t processes) {
  Sourced least{std::max<std::uint64_t>(cpus, 1), cpus < affinity_cpus().size() ? "affinity mask, shared" : "affinity mask"};
  if (const auto quota = cgroup_cpus("")) keep_least(least, std::max<std::uint64_t>(*quota / processes, 1), "cgroup quota, shared");
  keep_least(least, positive_variable("OMP_NUM_THREADS"), "OMP_NUM_THREADS");
  keep_least(least, positive_variable("SLURM_CPUS_PER_TASK"), "SLURM_CPUS_PER_TASK");
  return least;
}

Sourced memory_budget_of_one(std::uint64_t processes) {
  Sourced budget = memory_budget();
  if (processes < 2) return budget;
  return {budget.value / processes, fmt::format("{}, shared by {}", budget.origin, processes)};
}

Sourced default_threads(const std::string& root) {
  Sourced least{count_of_cpus(root), "affinity mask"};
  keep_least(least, cgroup_cpus(root), "cgroup quota");
  keep_least(least, positive_variable("OMP_NUM_THREADS"), "OMP_NUM_THREADS");
  keep_least(least, positive_variable("SLURM_CPUS_PER_TASK"), "SLURM_CPUS_PER_TASK");
  return least;
}

Sourced memory_budget(const std::string& root) {
  Sourced least{physical_memory(root), "physical memory"};
  keep_least(least, cgroup_memory(root), "cgroup limit");
  keep_least(least, mebibytes_variable("SLURM_MEM_PER_NODE", 1), "SLURM_MEM_PER_NODE");
  if (std::getenv("SLURM_MEM_PER_CPU") != nullptr) {
    keep_least(least, mebibytes_variable("SLURM_MEM_PER_CPU", slurm_cpus(root)), "SLURM_MEM_PER_CPU");
  }
  least.value -= least.value / 10;
  return least;
}

const char* name_of(KernelLevel level) { return kLevelNames[static_cast<std::size_t>(level)]; }

KernelLevel kernel_level() {
  static const KernelLevel level = chosen_level();
  return level;
}

std::string cpu_model() { return field_of("/proc/cpuinfo", "model name").value_or("unknown"); }

std::vector<std::string> cpu_features() {
  auto flags = field_of("/proc/cpuinfo", "flags");
  if (!flags) flags = field_of("/proc/cpuinfo", "Features");
  if (!flags) return {};
  const std::vector<std::string_view> present = split(*flags, ' ');
  std::vector<std::string> features;
  for (const char* name : {"sse4_2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512dq", "avx512vl",
                           "avx512_vnni", "avx512_bf16", "amx_bf16", "asimd", "sve", "sve2", "bf16"}) {
    if (std::find(present.begin(), present.end(), name) != present.end()) features.emplace_back(name);
  }
  return features;
}

std::vector<std::string> loaded_libraries(const std::string& part) {
  struct Search {
    const std::string& part;
    std::vector<std::string> found;
  } search{part, {}};
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        auto& s = *static_cast<Search*>(data);
        const std::string path = info->dlpi_name != nullptr ? info->dlpi_name : "";
        if (!path.empty() && fs::path(path).filename().native().find(s.part) != std::string::npos) s.found.push_back(path);
        return 0;
      },
      &search);
  return search.found;
}

std::uint64_t peak_memory() {
  // ru_maxrss is inherited from whoever started us; VmHWM is our own.
  if (const auto own = kilobytes_of("/proc/self/status", "VmHWM")) return *own;
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace smtrain
