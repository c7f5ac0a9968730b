#include "durations.h"

#include <fmt/format.h>

#include <cstdlib>

#include "base/text.h"

namespace smtrain::cmd {

std::optional<double> duration_of(CommandLine& line, const std::string& flag, const char* variable) {
  std::optional<std::string> text = line.text(flag);
  std::string place = "--" + flag;
  if (!text && variable != nullptr) {
    const char* const value = std::getenv(variable);
    if (value != nullptr && *value != '\0') text = value;
    place = variable;
  }
  if (!text) return std::nullopt;
  const std::optional<double> seconds = parse_duration(*text);
  if (!seconds) line.problems.push_back(fmt::format("{} is {}; expected a duration such as 90s, 15m or 1h30m", place, smtrain::quoted(*text)));
  return seconds;
}

double grace_of(CommandLine& line) { return duration_of(line, "grace", "SMTRAIN_GRACE").value_or(120); }

}  // namespace smtrain::cmd
