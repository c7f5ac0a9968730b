// What this build is.
#pragma once

#include <string>

namespace smtrain::run {

/// "0.1.0"
std::string version();

}  // namespace smtrain::run
