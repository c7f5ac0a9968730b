// Launch: which launcher started this process, and as which of how many; known without touching MPI.
#pragma once

#include <map>
#include <string>

namespace smtrain::dist {

enum class Launcher {
  none,     ///< a shell, make, a batch script: one process of its own
  openmpi,  ///< Open MPI's mpirun
  pmix,     ///< another launcher that speaks PMIx: srun --mpi=pmix, prun
  pmi,      ///< another launcher that speaks PMI: srun --mpi=pmi2, mpiexec.hydra
  slurm,    ///< srun without any of these: processes that cannot find each other
};

/// "srun --mpi=pmix" says {pmix, 1, 2, 1, 2} to the second of two tasks on one node.
struct Launch {
  Launcher kind = Launcher::none;
  int rank = 0;
  int size = 1;        ///< 0: the launcher does not say; MPI will
  int local_rank = 0;  ///< among the processes on this node
  int local_size = 1;

  bool several() const { return size != 1; }
};

const char* name_of(Launcher kind);

/// By the variables of the environment, in the order openmpi, pmix, pmi, slurm; a launcher within a launcher (mpirun in an srun
/// step) is the one that counts. A batch script or an salloc shell is one process, whatever SLURM_NTASKS promises its steps.
/// Variables that contradict each other (rank 4 of 2) are a user Error.
Launch launch_of(const std::map<std::string, std::string>& environment);

/// Of this process; read from its environment at the first call, which throws what launch_of throws. Thread-safe.
const Launch& launch();

}  // namespace smtrain::dist
