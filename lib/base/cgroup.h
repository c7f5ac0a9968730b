// Limits that control groups put on this process, version 1 and 2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace smtrain {

/// Least CPU quota of this process's group and all ancestors that are visible, in whole CPUs, rounded down, at least 1;
/// nullopt when there is none. `root` stands before /proc and the mount points ("" for the real ones).
std::optional<std::uint64_t> cgroup_cpus(const std::string& root);

/// Least memory limit of this process's group and all visible ancestors in bytes; nullopt when there is none.
std::optional<std::uint64_t> cgroup_memory(const std::string& root);

}  // namespace smtrain
