// The device of a run, chosen once, before data is read.
#pragma once

#include <memory>

#include "compute/backend.h"
#include "run/requests.h"

namespace smtrain::run {

/// auto and cpu: the CPU on the settings' threads. cuda says what is missing. Logs which was chosen and why.
std::unique_ptr<compute::Backend> make_backend(const CommonSettings& common, Log& log);

}  // namespace smtrain::run
