#include "base/cgroup.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

#include "base/text.h"

namespace smtrain {
namespace {

namespace fs = std::filesystem;

struct Mount {
  std::string root;   // the group that is mounted
  std::string point;  // where
  bool unified;       // version 2
  std::vector<std::string> options;
};

struct Membership {
  std::vector<std::string> controllers;  // none: version 2
  std::string group;
};

std::vector<std::string> owned(const std::vector<std::string_view>& parts) { return {parts.begin(), parts.end()}; }

bool contains(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::vector<std::string> lines_of(const fs::path& path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

// mountinfo writes space, tab, newline and backslash as three octal digits.
std::string unescaped(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    int code = 0;
    if (text[i] == '\\' && i + 3 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 4, code, 8).ptr == text.data() + i + 4) {
      result += static_cast<char>(code);
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

// "36 35 98:0 /root /point rw,noatime shared:1 - cgroup2 cgroup2 rw": the number of fields before " - " varies.
std::optional<Mount> parse_mount(std::string_view line) {
  const std::size_t dash = line.find(" - ");
  if (dash == std::string_view::npos) return std::nullopt;
  const auto before = split(line.substr(0, dash), ' '), after = split(line.substr(dash + 3), ' ');
  if (before.size() < 5 || after.size() < 3 || (after[0] != "cgroup" && after[0] != "cgroup2")) return std::nullopt;
  return Mount{unescaped(before[3]), unescaped(before[4]), after[0] == "cgroup2", owned(split(after[2], ','))};
}

// "4:cpu,cpuacct:/path" or "0::/path".
std::optional<Membership> parse_membership(std::string_view line) {
  const std::size_t first = line.find(':');
  const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const std::string_view names = line.substr(first + 1, second - first - 1);
  return Membership{names.empty() ? std::vector<std::string>{} : owned(split(names, ',')),
                    std::string(line.substr(second + 1))};
}

// The group's path below the mount: what is left of it after the mounted group. In a container the group may name a
// place of the host that is not mounted; then the mount point is all we see of it.
std::string below_mount(const std::string& group, const std::string& mounted) {
  if (mounted == "/") return group.starts_with("/..") ? "" : group;
  if (group == mounted || !group.starts_with(mounted + "/")) return "";
  return group.substr(mounted.size());
}

struct Folder {
  fs::path path;
  bool unified;
};

// The folders of this process's group and its ancestors, in every hierarchy that has the controller.
std::vector<Folder> group_folders(const std::string& root, std::string_view controller) {
  std::vector<Membership> memberships;
  for (const std::string& line : lines_of(root + "/proc/self/cgroup")) {
    if (auto m = parse_membership(line)) memberships.push_back(std::move(*m));
  }
  std::vector<Folder> folders;
  for (const std::string& line : lines_of(root + "/proc/self/mountinfo")) {
    const auto mount = parse_mount(line);
    if (!mount || !(mount->unified || contains(mount->options, controller))) continue;
    for (const Membership& m : memberships) {
      if (mount->unified ? !m.controllers.empty() : !contains(m.controllers, controller)) continue;
      std::string below = below_mount(m.group, mount->root);
      for (;; below.resize(below.rfind('/'))) {
        folders.push_back({root + mount->point + below, mount->unified});
        if (below.find('/') == std::string::npos) break;
      }
    }
  }
  return folders;
}

// The whole numbers of a small file; "max" and -1 (no limit) end the list.
std::vector<std::uint64_t> numbers_in(const fs::path& path) {
  std::vector<std::uint64_t> numbers;
  const std::vector<std::string> lines = lines_of(path);
  if (lines.empty()) return numbers;
  for (const std::string_view word : split(trim(lines[0]), ' ')) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size()) break;
    numbers.push_back(value);
  }
  return numbers;
}

// Quota and period in microseconds; empty when there is no limit.
std::vector<std::uint64_t> cpu_quota(const Folder& folder) {
  std::vector<std::uint64_t> numbers = numbers_in(folder.path / (folder.unified ? "cpu.max" : "cpu.cfs_quota_us"));
  if (!folder.unified) {
    for (const std::uint64_t period : numbers_in(folder.path / "cpu.cfs_period_us")) numbers.push_back(period);
  }
  return numbers;
}

void keep_least(std::optional<std::uint64_t>& least, std::uint64_t value) { least = least ? std::min(*least, value) : value; }

}  // namespace

std::optional<std::uint64_t> cgroup_cpus(const std::string& root) {
  std::optional<std::uint64_t> least;
  for (const Folder& folder : group_folders(root, "cpu")) {
    const std::vector<std::uint64_t> quota = cpu_quota(folder);
    if (quota.size() != 2 || quota[0] == 0 || quota[1] == 0) continue;
    keep_least(least, std::max<std::uint64_t>(quota[0] / quota[1], 1));
  }
  return least;
}

std::optional<std::uint64_t> cgroup_memory(const std::string& root) {
  std::optional<std::uint64_t> least;
  for (const Folder& folder : group_folders(root, "memory")) {
    const std::vector<std::uint64_t> limit = numbers_in(folder.path / (folder.unified ? "memory.max" : "memory.limit_in_bytes"));
    if (!limit.empty() && limit[0] > 0) keep_least(least, limit[0]);
  }
  return least;
}

}  // namespace smtrain
