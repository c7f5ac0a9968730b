#include "base/machine.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <map>

#include "base/error.h"
#include "base/temporary_folder.h"

namespace smtrain {
namespace {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

// The variables that the limits depend on, cleared for one test and then as they were.
class Environment {
 public:
  Environment() {
    for (const char* name : {"OMP_NUM_THREADS", "SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE", "SLURM_MEM_PER_NODE",
                             "SLURM_MEM_PER_CPU", "SMTRAIN_KERNELS"}) {
      if (const char* value = std::getenv(name)) before_[name] = value;
      unsetenv(name);
      names_.emplace_back(name);
    }
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() {
    for (const std::string& name : names_) unsetenv(name.c_str());
    for (const auto& [name, value] : before_) setenv(name.c_str(), value.c_str(), 1);
  }
  void set(const char* name, const char* value) { setenv(name, value, 1); }

 private:
  std::vector<std::string> names_;
  std::map<std::string, std::string> before_;
};

// A machine of 64 CPUs and 100 GiB, without limits until a test adds some.
class FakeRoot : public test::TemporaryFolder {
 public:
  FakeRoot() {
    put("proc/self/status", "Name:\tx\nCpus_allowed_list:\t0-63\n");
    put("proc/meminfo", "MemTotal:       104857600 kB\nMemFree: 1 kB\n");
  }
  void unified(const std::string& group) {
    put("proc/self/cgroup", "0::" + group + "\n");
    put("proc/self/mountinfo",
        "25 30 0:23 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"
        "35 25 0:30 / /sys/fs/cgroup rw,nosuid,nodev shared:9 - cgroup2 cgroup2 rw,nsdelegate\n");
  }
  Sourced threads() const { return default_threads(path().string()); }
  Sourced memory() const { return memory_budget(path().string()); }
};

// What `body` throws or gives, in a process of its own: the kernel level is chosen once.
int kernel_level_with(const char* wanted) {
  const pid_t child = fork();
  if (child == 0) {
    setenv("SMTRAIN_KERNELS", wanted, 1);
    int code = 99;
    try {
      code = 10 + static_cast<int>(kernel_level());
    } catch (const Error& error) {
      code = error.exit_code();
    }
    _exit(code);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("without limits the affinity mask counts") {
  Environment environment;
  const FakeRoot root;
  CHECK(root.threads().value == 64);
  CHECK(root.threads().origin == "affinity mask");
  root.put("proc/self/status", "Cpus_allowed_list:\t0-1999,3000,4000-4001\n");
  CHECK(root.threads().value == 2003);
}

TEST_CASE("the quota of a version 2 group is rounded down to at least one CPU") {
  Environment environment;
  FakeRoot root;
  root.unified("/job");
  root.put("sys/fs/cgroup/job/cpu.max", "250000 100000\n");
  CHECK(root.threads().value == 2);
  CHECK(root.threads().origin == "cgroup quota");
  root.put("sys/fs/cgroup/job/cpu.max", "50000 100000\n");
  CHECK(root.threads().value == 1);
  root.put("sys/fs/cgroup/job/cpu.max", "max 100000\n");
  CHECK(root.threads().value == 64);
}

TEST_CASE("an ancestor's quota binds as well") {
  Environment environment;
  FakeRoot root;
  root.unified("/slurm/job_7/step_0");
  root.put("sys/fs/cgroup/slurm/job_7/step_0/cpu.max", "1600000 100000\n");
  root.put("sys/fs/cgroup/slurm/job_7/cpu.max", "400000 100000\n");
  root.put("sys/fs/cgroup/slurm/cpu.max", "max 100000\n");
  CHECK(root.threads().value == 4);
  root.put("sys/fs/cgroup/cpu.max", "300000 100000\n");
  CHECK(root.threads().value == 3);
}

TEST_CASE("version 1 hierarchies are found by their controller") {
  Environment environment;
  const FakeRoot root;
  root.put("proc/self/cgroup", "5:memory:/box\n4:cpu,cpuacct:/a/b\n3:cpuset:/\n1:name=systemd:/x\n0::/y\n");
  root.put("proc/self/mountinfo",
           "40 25 0:31 / /cg/cpu\\040acct rw shared:10 - cgroup cgroup rw,cpu,cpuacct\n"
           "41 25 0:32 / /cg/memory rw shared:11 master:3 - cgroup cgroup rw,memory\n"
           "42 25 0:33 / /cg/cpuset rw - cgroup cgroup rw,cpuset\n");
  root.put("cg/cpu acct/a/b/cpu.cfs_quota_us", "-1\n");
  root.put("cg/cpu acct/a/b/cpu.cfs_period_us", "100000\n");
  root.put("cg/cpu acct/a/cpu.cfs_quota_us", "799999\n");
  root.put("cg/cpu acct/a/cpu.cfs_period_us", "100000\n");
  root.put("cg/memory/box/memory.limit_in_bytes", "9223372036854771712\n");
  root.put("cg/memory/memory.limit_in_bytes", "1073741824\n");
  CHECK(root.threads().value == 7);
  CHECK(root.memory().value == kGiB - kGiB / 10);
}

TEST_CASE("in a container the mounted part of the hierarchy is searched") {
  Environment environment;
  const FakeRoot root;
  root.put("proc/self/cgroup", "0::/docker/abc/inner\n");
  root.put("proc/self/mountinfo", "35 25 0:30 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
  root.put("sys/fs/cgroup/cpu.max", "600000 100000\n");
  root.put("sys/fs/cgroup/inner/cpu.max", "500000 100000\n");
  CHECK(root.threads().value == 5);
  // A group outside of what is mounted: the mount point is all there is to see.
  root.put("proc/self/cgroup", "0::/../elsewhere\n");
  CHECK(root.threads().value == 6);
}

TEST_CASE("OMP_NUM_THREADS and Slurm lower the number of threads") {
  Environment environment;
  const FakeRoot root;
  environment.set("OMP_NUM_THREADS", "4,2");
  CHECK(root.threads().value == 4);
  CHECK(root.threads().origin == "OMP_NUM_THREADS");
  environment.set("SLURM_CPUS_PER_TASK", "3");
  CHECK(root.threads().value == 3);
  CHECK(root.threads().origin == "SLURM_CPUS_PER_TASK");
  environment.set("SLURM_CPUS_PER_TASK", "128");
  for (const char* nonsense : {"", "0", "-2", "many", "4x"}) {
    CAPTURE(nonsense);
    environment.set("OMP_NUM_THREADS", nonsense);
    CHECK(root.threads().value == 64);
  }
}

TEST_CASE("the memory budget is the least limit less a tenth") {
  Environment environment;
  FakeRoot root;
  CHECK(root.memory().value == 90 * kGiB);
  CHECK(root.memory().origin == "physical memory");
  root.unified("/a/b");
  root.put("sys/fs/cgroup/a/b/memory.max", "max\n");
  root.put("sys/fs/cgroup/a/memory.max", "53687091200\n");
  CHECK(root.memory().value == 45 * kGiB);
  CHECK(root.memory().origin == "cgroup limit");
  environment.set("SLURM_MEM_PER_NODE", "40960");
  CHECK(root.memory().value == 36 * kGiB);
  CHECK(root.memory().origin == "SLURM_MEM_PER_NODE");
  environment.set("SLURM_MEM_PER_CPU", "10240");
  environment.set("SLURM_CPUS_PER_TASK", "2");
  CHECK(root.memory().value == 18 * kGiB);
  CHECK(root.memory().origin == "SLURM_MEM_PER_CPU");
}

TEST_CASE("Slurm's memory of 0 means all of the node, and nonsense means nothing") {
  Environment environment;
  const FakeRoot root;
  for (const char* value : {"0", "", "x", "18446744073709551615"}) {
    CAPTURE(value);
    environment.set("SLURM_MEM_PER_NODE", value);
    environment.set("SLURM_MEM_PER_CPU", value);
    CHECK(root.memory().value == 90 * kGiB);
  }
}

TEST_CASE("this machine has threads and memory") {
  CHECK(default_threads().value >= 1);
  CHECK_FALSE(default_threads().origin.empty());
  CHECK(memory_budget().value > (std::uint64_t{1} << 20));
  CHECK(peak_memory() > 100000);
  CHECK_FALSE(cpu_model().empty());
}

TEST_CASE("a kernel level can be lowered by name, and wrong names are the user's fault") {
  Environment environment;
  CHECK(kernel_level_with("baseline") == 10);
  CHECK(kernel_level_with("sse9") == 2);
  const int best = kernel_level_with("");
  CHECK(best >= 10);
  for (int level = 0; level < 3; ++level) {
    const int expected = 10 + level <= best ? 10 + level : 2;
    CHECK(kernel_level_with(name_of(static_cast<KernelLevel>(level))) == expected);
  }
}

TEST_CASE("the kernel level agrees with the features that the kernel reports") {
  const std::vector<std::string> features = cpu_features();
  if (features.empty()) {
    WARN("no /proc/cpuinfo here: skipped");
    return;
  }
  const auto has = [&](const char* name) { return std::find(features.begin(), features.end(), name) != features.end(); };
  const int best = kernel_level_with("");
  CHECK((best >= 11) == (has("avx2") && has("fma")));
  CHECK((best == 12) == (has("avx2") && has("fma") && has("avx512f") && has("avx512bw") && has("avx512dq") && has("avx512vl")));
}

TEST_CASE("loaded libraries are found by a part of their file name") {
  CHECK(loaded_libraries("libc.so").size() == 1);
  CHECK(loaded_libraries("no-such-library").empty());
}

}  // namespace smtrain
