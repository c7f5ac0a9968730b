#include "dist/connect.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>

#include "base/error.h"
#include "base/module.h"

#ifndef SMTRAIN_MPI_STAMP
#define SMTRAIN_MPI_STAMP ""
#endif

namespace smtrain::dist {
namespace {

constexpr const char* kModule = "libsmtrain_mpi.so";
constexpr const char* kHowToStart = "start with srun --mpi=pmix (srun --mpi=list shows what this Slurm has), or with mpirun";

const MpiModule& module() { return *static_cast<const MpiModule*>(open_module(kModule, SMTRAIN_MPI_STAMP).open); }

// PMIx 4 asks for the user's home and dies where there is none: a user id of a container's own, without HOME.
void have_a_home() {
  if (std::getenv("HOME") == nullptr && ::getpwuid(::geteuid()) == nullptr) (void)::setenv("HOME", "/", 0);
}

}  // namespace

std::unique_ptr<Group> connect(const Launch& launch, Log& log, const GroupOptions& options) {
  if (launch.kind == Launcher::slurm) {
    throw user_error("srun started {} tasks that cannot find each other, and all would write the same files: {}; for one task that uses "
                     "several CPUs, give srun --ntasks=1 --cpus-per-task=N", launch.size, kHowToStart);
  }
  have_a_home();
  const MpiModule& mpi = module();
  auto watch = std::make_unique<Watch>();
  // The module keeps these for the life of the process.
  static const HostServices services = host_services(log);
  std::unique_ptr<Transport> transport(mpi.open(services, *watch));
  if (launch.size > 0 && transport->size() != launch.size) {
    throw user_error("the launcher ({}) started {} processes, but MPI sees {}, and all would write the same files: its MPI is another "
                     "one than this module's; {}", name_of(launch.kind), launch.size, transport->size(), kHowToStart);
  }
  std::string version;
  mpi.version(version);
  auto group = make_group(std::move(transport), std::move(watch), options);
  log.debug("ranks = {} ({}), {}", group->size(), name_of(launch.kind), version);
  return group;
}

std::string mpi_version() {
  std::string version;
  module().version(version);
  return version;
}

}  // namespace smtrain::dist
