#include "run/training/ranks.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/machine.h"
#include "base/signals.h"
#include "dist/connect.h"

namespace smtrain::run {
namespace {

// Whoever closed standard output has seen enough; there is nothing to complain about.
constexpr int kClosedPipe = 128 + SIGPIPE;

// Ranks hear of a stop at their next safe point; one that hangs before it ends alone.
constexpr double kStopTogether = 8;

bool is_closed_pipe(const Error& error) { return error.exit_code() == kClosedPipe; }

int signal_of(const Error& error) { return error.fault() == Fault::interrupted ? error.exit_code() - 128 : 0; }

std::string machine_id() {
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  return boot + ":";
}

std::string text_of(const std::vector<int>& numbers) {
  std::string text;
  for (const int n : numbers) text += fmt::format("{} ", n);
  return text;
}

std::vector<int> numbers_in(std::string_view text) {
  std::vector<int> numbers;
  std::istringstream stream{std::string(text)};
  for (int n = 0; stream >> n;) numbers.push_back(n);
  return numbers;
}

}  // namespace

void Ranks::connect(Console& console) {
  if (!launch_.several()) return;
  group_ = dist::connect(launch_, console);
  delay_stops(kStopTogether);
  const std::string machine = machine_id();
  std::vector<std::vector<int>> masks;
  for (const std::string& text : group_->share(machine + text_of(allowed_cpus()))) {
    if (text.starts_with(machine)) masks.push_back(numbers_in(std::string_view(text).substr(machine.size())));
  }
  neighbours_ = masks.size();
  cpus_ = cpus_of_one(allowed_cpus(), masks);
}

Available Ranks::available() const {
  if (group_ == nullptr) return {};
  return {default_threads_of_one(cpus_, neighbours_), memory_budget_of_one(neighbours_),
          "ranks may be bound to fewer cores than they could use: give mpirun --bind-to none (or --map-by slot:PE=N), srun --cpus-per-task=N"};
}

std::uint64_t cpus_of_one(const std::vector<int>& own, const std::vector<std::vector<int>>& masks) {
  double share = 0;
  for (const int cpu : own) {
    const auto users = std::count_if(masks.begin(), masks.end(), [&](const auto& mask) { return std::binary_search(mask.begin(), mask.end(), cpu); });
    share += 1.0 / static_cast<double>(std::max<std::ptrdiff_t>(users, 1));
  }
  return std::max<std::uint64_t>(static_cast<std::uint64_t>(share + 1e-6), 1);
}

void Ranks::leave() {
  if (group_ != nullptr) group_->leave();
}

int Ranks::end(const Error& error, Console& console, const std::function<void(const Error&)>& leave_word) {
  if (group_ == nullptr) return end_unconnected(error, console, leave_word);
  const dist::Ending ending = group_->fail({error.fault(), signal_of(error), error.problems()});
  const Error told(ending.failure.fault, ending.failure.problems, ending.failure.signal);
  if ((ending.speaks || ending.agreed) && !is_closed_pipe(told)) leave_word(told);
  if (ending.speaks && !is_closed_pipe(told)) console.report(told);
  if (ending.speaks && !ending.agreed) group_->abort(ending.failure);
  try {
    if (ending.agreed) group_->leave();
  } catch (const Error&) {
    // Somebody has gone without the others; all has been said.
  }
  return told.exit_code();
}

// Without a connection ranks mostly fail of one cause, and the launcher ends them when the first has said so.
int Ranks::end_unconnected(const Error& error, Console& console, const std::function<void(const Error&)>& leave_word) {
  const bool known_to_all = launch_.kind == dist::Launcher::slurm;
  for (int i = 0; !tells() && !known_to_all && i < 20 && stop_signal() == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  const bool speaks = tells() || (!known_to_all && stop_signal() == 0);
  if (speaks && !is_closed_pipe(error)) {
    leave_word(error);
    console.report(error);
  }
  return error.exit_code();
}

}  // namespace smtrain::run
