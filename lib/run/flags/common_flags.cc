#include "run/flags/flag_words.h"

namespace smtrain::run {
namespace {

using namespace flag_words;

std::vector<Flag> make_common_flags() {
  return {setting(flag("threads", FlagValue::integer, "N",
                       "Threads. By default as many as the affinity mask, the CPU quota, OMP_NUM_THREADS and "
                       "SLURM_CPUS_PER_TASK all allow.")),
          setting(flag("memory-limit", FlagValue::bytes, "BYTES",
                       "Memory to use at most, such as 512M or 16G. By default what the cgroup, Slurm and the machine allow, "
                       "less 10 %.")),
          setting(with_default("0", flag("seed", FlagValue::integer, "N", "Seed of all random numbers."))),
          setting(with_default("auto", suggesting({"auto", "cpu", "cuda"}, flag("device", FlagValue::text, "auto|cpu|cuda[:N]",
                                                                                "Where to compute.")))),
          setting(choice_flag("log-format", {"auto", "text", "json", "sagemaker"}, "auto",
                              "Text for people; metrics as JSON Lines on standard output; or the service's whole log there.")),
          setting(letter('q', flag_switch("quiet", "Prints errors only."))),
          setting(letter('v', flag_switch("verbose", "Prints resolved settings and details."))),
          setting(flag_switch("no-color", "Prints no colours.")),
          letter('h', flag_switch("help", "Prints this help."))};
}

}  // namespace

std::span<const Flag> common_flags() {
  static const std::vector<Flag> flags = make_common_flags();
  return flags;
}

}  // namespace smtrain::run
