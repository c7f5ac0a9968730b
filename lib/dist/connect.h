// Connecting the processes that a launcher has started, through libsmtrain_mpi.so.
#pragma once

#include <memory>

#include "base/log.h"
#include "dist/group.h"
#include "dist/launch.h"

namespace smtrain::dist {

/// The group of this launch, which has several ranks; called at most once in a process, by every rank. Loads the module and
/// initialises MPI. Throws: a user Error when the launcher gave the processes no way to find each other, or MPI sees another
/// number of ranks than the launcher said; a machine Error when module or library is missing. log outlives the group.
std::unique_ptr<Group> connect(const Launch& launch, Log& log, const GroupOptions& options = {});

/// Version of the MPI library behind the module; throws a machine Error that says what is missing.
std::string mpi_version();

}  // namespace smtrain::dist
