// Durations of a command line.
#pragma once

#include <optional>
#include <string>

#include "parser.h"

namespace smtrain::cmd {

/// Seconds of --FLAG, else of the variable, if one is named and set; a problem is added for what is no duration.
std::optional<double> duration_of(CommandLine& line, const std::string& flag, const char* variable = nullptr);

/// Seconds from SIGTERM to SIGKILL: --grace, SMTRAIN_GRACE, or 120.
double grace_of(CommandLine& line);

}  // namespace smtrain::cmd
