// The libraries that computing rests on.
#pragma once

#include <vector>

#include "base/library.h"

namespace smtrain::compute {

std::vector<Library> libraries();

/// Variables that libgomp and OpenBLAS read when they are loaded, as they serve best here:
///  - OMP_WAIT_POLICY=passive: threads that spin between regions would take the CPU from readers and from the neighbours' jobs.
///  - OPENBLAS_CORETYPE: the kernels that go with kernel_level(), so that SMTRAIN_KERNELS gives equal bytes on unlike CPUs, and
///    CPUs that are younger than OpenBLAS get what they can do.
/// What the user has set stays. True when a variable was set: the program has to start itself anew for it to count. Throws
/// what kernel_level() throws. Before there are threads.
bool set_up_libraries();

}  // namespace smtrain::compute
