#include "dist/launch.h"

#include <catch2/catch.hpp>

#include "base/error.h"

namespace smtrain::dist {
namespace {

using Environment = std::map<std::string, std::string>;

void check(const Launch& l, Launcher kind, int rank, int size, int local_rank, int local_size) {
  CHECK(l.kind == kind);
  CHECK(l.rank == rank);
  CHECK(l.size == size);
  CHECK(l.local_rank == local_rank);
  CHECK(l.local_size == local_size);
}

// The second task of `srun -N2 -n3`, as Slurm 22.05 describes it.
const Environment kStep = {{"SLURM_JOB_ID", "7"}, {"SLURM_STEP_ID", "0"}, {"SLURM_STEP_NUM_TASKS", "3"}, {"SLURM_NTASKS", "3"},
                           {"SLURM_PROCID", "1"}, {"SLURM_LOCALID", "1"}, {"SLURM_NODEID", "0"}, {"SLURM_STEP_TASKS_PER_NODE", "2,1"}};

Environment with(Environment base, const Environment& more) {
  for (const auto& [name, value] : more) base[name] = value;
  return base;
}

TEST_CASE("a lone start has no launcher") {
  check(launch_of({}), Launcher::none, 0, 1, 0, 1);
  CHECK_FALSE(launch_of({{"HOME", "/root"}}).several());
}

TEST_CASE("mpirun of Open MPI") {
  const Environment mpirun = {{"OMPI_COMM_WORLD_RANK", "5"}, {"OMPI_COMM_WORLD_SIZE", "8"}, {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                              {"OMPI_COMM_WORLD_LOCAL_SIZE", "4"}, {"PMIX_RANK", "5"}, {"PMIX_NAMESPACE", "1"}};
  check(launch_of(mpirun), Launcher::openmpi, 5, 8, 1, 4);
  CHECK(launch_of(mpirun).several());
  // Within a step of Slurm, which is then mpirun's own.
  check(launch_of(with(kStep, mpirun)), Launcher::openmpi, 5, 8, 1, 4);
}

TEST_CASE("a task of an srun step, with and without a way to the others") {
  check(launch_of(kStep), Launcher::slurm, 1, 3, 1, 2);
  check(launch_of(with(kStep, {{"PMIX_RANK", "1"}})), Launcher::pmix, 1, 3, 1, 2);
  check(launch_of(with(kStep, {{"PMI_RANK", "1"}, {"PMI_SIZE", "3"}})), Launcher::pmi, 1, 3, 1, 2);
  check(launch_of(with(kStep, {{"SLURM_STEP_TASKS_PER_NODE", "2(x2),1"}, {"SLURM_NODEID", "1"}})), Launcher::slurm, 1, 3, 1, 2);
  check(launch_of(with(kStep, {{"SLURM_STEP_TASKS_PER_NODE", "2(x2),1"}, {"SLURM_NODEID", "2"}, {"SLURM_LOCALID", "0"}})),
        Launcher::slurm, 1, 3, 0, 1);
}

TEST_CASE("a batch script is one process, whatever its steps may have") {
  const Environment batch = {{"SLURM_JOB_ID", "7"}, {"SLURM_NTASKS", "4"}, {"SLURM_NPROCS", "4"}, {"SLURM_PROCID", "0"},
                             {"SLURM_LOCALID", "0"}, {"SLURM_TASKS_PER_NODE", "4"}};
  check(launch_of(batch), Launcher::none, 0, 1, 0, 1);
}

TEST_CASE("one task of its own is one process") {
  const Launch one = launch_of({{"SLURM_STEP_NUM_TASKS", "1"}, {"SLURM_PROCID", "0"}, {"SLURM_STEP_TASKS_PER_NODE", "1"}});
  check(one, Launcher::slurm, 0, 1, 0, 1);
  CHECK_FALSE(one.several());
}

TEST_CASE("launchers that say PMI, and a PMIx that keeps the number to itself") {
  check(launch_of({{"PMI_RANK", "2"}, {"PMI_SIZE", "4"}, {"MPI_LOCALRANKID", "0"}, {"MPI_LOCALNRANKS", "2"}}), Launcher::pmi, 2, 4, 0, 2);
  check(launch_of({{"PMIX_RANK", "2"}, {"PMIX_NAMESPACE", "x"}}), Launcher::pmix, 2, 0, 0, 1);
  CHECK(launch_of({{"PMIX_RANK", "0"}}).several());
}

TEST_CASE("variables that are no numbers are not a launcher's") {
  check(launch_of({{"OMPI_COMM_WORLD_SIZE", "many"}, {"PMI_RANK", ""}, {"PMI_SIZE", "-2"}}), Launcher::none, 0, 1, 0, 1);
}

TEST_CASE("variables that contradict each other are refused") {
  CHECK_THROWS_WITH(launch_of({{"OMPI_COMM_WORLD_RANK", "4"}, {"OMPI_COMM_WORLD_SIZE", "2"}}), Catch::Contains("rank 4 of 2"));
  CHECK_THROWS_WITH(launch_of(with(kStep, {{"SLURM_LOCALID", "2"}})), Catch::Contains("2 of 2 on this node"));
}

}  // namespace
}  // namespace smtrain::dist
