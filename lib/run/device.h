// The device of a run, chosen once, before data is read.
#pragma once

#include <memory>

#include "compute/backend.h"
#include "job/algorithm.h"
#include "run/requests.h"

namespace smtrain::run {

/// cpu: the CPU on the settings' threads. cuda[:N]: that device, or, without N, this process's rank on its host modulo their
/// number; an Error says what is missing (a device that does not exist is the user's fault). auto: CUDA where everything is
/// there, else the CPU. An algorithm that runs on the CPU alone gets it from auto, and refuses cuda. Logs in one line which was chosen
/// and why.
std::unique_ptr<compute::Backend> make_backend(const CommonSettings& common, const job::Description& algorithm, Log& log);

/// For a dry run: warns when this machine lacks what the run would need; another may have it. A device that does not exist is a
/// user Error.
void check_device(const CommonSettings& common, const job::Description& algorithm, Log& log);

}  // namespace smtrain::run
