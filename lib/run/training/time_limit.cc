#include "run/training/time_limit.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <ctime>
#include <string_view>

#include "base/text.h"

namespace smtrain::run {
namespace {

constexpr double kMargin = 60;
constexpr const char* kVariable = "SLURM_JOB_END_TIME";

}  // namespace

std::optional<From<double>> time_limit(const TrainRequest& request, Log& log) {
  if (request.max_runtime) return From<double>{*request.max_runtime, "flag"};
  const char* variable = std::getenv(kVariable);
  if (!request.checkpoint_dir || variable == nullptr || *variable == '\0') return std::nullopt;
  const std::string_view text = variable;
  long long end = 0;
  const auto [last, error] = std::from_chars(text.data(), text.data() + text.size(), end);
  const double left = static_cast<double>(end - static_cast<long long>(std::time(nullptr)));
  if (error != std::errc() || last != text.data() + text.size() || left <= 0) {
    log.warning("{} is {}, which is no time to come; it is ignored", kVariable, quoted(text));
    return std::nullopt;
  }
  const double margin = std::min(kMargin, left / 2);
  return From<double>{left - margin, fmt::format("{} less {}", kVariable, format_duration(margin))};
}

}  // namespace smtrain::run
