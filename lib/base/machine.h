// What the machine gives us: threads, memory, instruction sets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace smtrain {

/// A number and the place it came from ("affinity mask", "cgroup quota", "OMP_NUM_THREADS", "SLURM_CPUS_PER_TASK", ...).
struct Sourced {
  std::uint64_t value = 0;
  std::string origin;
};

/// Default number of threads: the least of the affinity mask, the CPU quotas of this cgroup and all its ancestors (v1 and
/// v2, rounded down, at least 1), OMP_NUM_THREADS and SLURM_CPUS_PER_TASK. Masks beyond 1024 CPUs are handled.
Sourced default_threads();

/// Memory budget in bytes: the least of the cgroup limits (this one and all ancestors), SLURM_MEM_PER_NODE,
/// SLURM_MEM_PER_CPU × CPUs, and physical memory, less 10 %.
Sourced memory_budget();

/// Numbers of the CPUs in the affinity mask, ascending.
std::vector<int> allowed_cpus();

/// default_threads() and memory_budget() of one of `processes` of one job on this machine. They share its memory and the cgroup's
/// quota; of the affinity mask this process has `cpus` to itself. OMP_NUM_THREADS and SLURM_CPUS_PER_TASK are each process's own.
Sourced default_threads_of_one(std::uint64_t cpus, std::uint64_t processes);
Sourced memory_budget_of_one(std::uint64_t processes);

/// For tests: the same with another root for /proc and /sys.
Sourced default_threads(const std::string& root);
Sourced memory_budget(const std::string& root);

/// Instruction-set levels for which kernels exist. Ordered.
enum class KernelLevel { baseline = 0, avx2 = 1, avx512 = 2 };

const char* name_of(KernelLevel level);

/// The best level this CPU and kernel (XCR0) support, or the lower one that SMTRAIN_KERNELS (baseline, avx2, avx512) names.
/// Throws a user Error for an unknown name or a level the CPU lacks. Fixed for the life of the process.
KernelLevel kernel_level();

/// Model name of the CPU from /proc/cpuinfo, "unknown" where there is none.
std::string cpu_model();

/// CPU features that matter here, as /proc/cpuinfo spells them.
std::vector<std::string> cpu_features();

/// Shared objects loaded into this process whose file name contains `part` (for `info`: one OpenMP runtime, which BLAS).
std::vector<std::string> loaded_libraries(const std::string& part);

/// Peak resident set in bytes.
std::uint64_t peak_memory();

}  // namespace smtrain
