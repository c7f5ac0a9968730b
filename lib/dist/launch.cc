#include "dist/launch.h"

#include <charconv>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/text.h"

extern char** environ;

namespace smtrain::dist {
namespace {

using Environment = std::map<std::string, std::string>;

std::optional<int> whole_number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || text.empty() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::optional<int> number(const Environment& environment, const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::nullopt : whole_number(found->second);
}

// Slurm's tasks of each node, such as "2(x3),1", at one place.
std::optional<int> tasks_on_node(std::string_view list, int node) {
  for (const std::string_view part : split(list, ',')) {
    const std::size_t open = part.find("(x");
    const std::optional<int> tasks = whole_number(part.substr(0, open));
    const std::optional<int> nodes = open == part.npos ? 1 : whole_number(part.substr(open + 2, part.size() - open - 3));
    if (!tasks || !nodes) return std::nullopt;
    if (node < *nodes) return tasks;
    node -= *nodes;
  }
  return std::nullopt;
}

// A task of an srun step. The batch script has SLURM_PROCID and SLURM_NTASKS too, but no step of its own.
std::optional<Launch> slurm_step(const Environment& environment) {
  const std::optional<int> rank = number(environment, "SLURM_PROCID"), size = number(environment, "SLURM_STEP_NUM_TASKS");
  if (!rank || !size) return std::nullopt;
  const int local = number(environment, "SLURM_LOCALID").value_or(0);
  Launch launch{Launcher::slurm, *rank, *size, local, local + 1};
  const auto list = environment.find("SLURM_STEP_TASKS_PER_NODE");
  if (list != environment.end()) {
    launch.local_size = tasks_on_node(list->second, number(environment, "SLURM_NODEID").value_or(0)).value_or(local + 1);
  }
  return launch;
}

Launch found_in(const Environment& environment) {
  if (const auto size = number(environment, "OMPI_COMM_WORLD_SIZE")) {
    return {Launcher::openmpi, number(environment, "OMPI_COMM_WORLD_RANK").value_or(0), *size,
            number(environment, "OMPI_COMM_WORLD_LOCAL_RANK").value_or(0),
            number(environment, "OMPI_COMM_WORLD_LOCAL_SIZE").value_or(1)};
  }
  std::optional<Launch> step = slurm_step(environment);
  if (const auto rank = number(environment, "PMIX_RANK")) {
    if (!step) return {Launcher::pmix, *rank, 0, 0, 1};
    step->kind = Launcher::pmix;
    return *step;
  }
  const auto rank = number(environment, "PMI_RANK"), size = number(environment, "PMI_SIZE");
  if (rank && size) {
    if (!step) step = Launch{Launcher::pmi, *rank, *size, number(environment, "MPI_LOCALRANKID").value_or(0),
                             number(environment, "MPI_LOCALNRANKS").value_or(1)};
    step->kind = Launcher::pmi;
    return *step;
  }
  return step.value_or(Launch{});
}

Environment own_environment() {
  Environment variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != text.npos) variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

}  // namespace

const char* name_of(Launcher kind) {
  switch (kind) {
    case Launcher::openmpi: return "mpirun (Open MPI)";
    case Launcher::pmix: return "PMIx";
    case Launcher::pmi: return "PMI";
    case Launcher::slurm: return "srun without MPI";
    case Launcher::none: break;
  }
  return "none";
}

Launch launch_of(const Environment& environment) {
  const Launch launch = found_in(environment);
  if ((launch.size > 0 && launch.rank >= launch.size) || launch.local_size < 1 || launch.local_rank >= launch.local_size) {
    throw user_error("the launcher's variables contradict each other: {} says rank {} of {}, {} of {} on this node; unset them, or start "
                     "with mpirun or srun --mpi=pmix", name_of(launch.kind), launch.rank, launch.size, launch.local_rank, launch.local_size);
  }
  return launch;
}

const Launch& launch() {
  static const Launch found = launch_of(own_environment());
  return found;
}

}  // namespace smtrain::dist
