#include "dist/watch.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/signals.h"
#include "base/text.h"

namespace smtrain::dist {
namespace {

// The lowest living rank speaks first; the others hold their tongues so much longer.
constexpr double kTongue = 2;

std::string host() {
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  std::error_code ignored;
  return boot + " " + std::filesystem::read_symlink("/proc/self/ns/pid", ignored).string();
}

bool ended(int pid, int end) {
  if (end < 0) return ::kill(pid, 0) != 0 && errno == ESRCH;
  pollfd poll = {end, POLLIN, 0};
  return ::poll(&poll, 1, 0) > 0;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

std::string Watch::whereabouts() { return fmt::format("{} {}", host(), ::getpid()); }

void Watch::observe(const std::vector<std::string>& all, int own_rank) {
  own_rank_ = own_rank;
  const std::string here = host();
  for (std::size_t rank = 0; rank < all.size(); ++rank) {
    const std::size_t space = all[rank].rfind(' ');
    int pid = 0;
    if (static_cast<int>(rank) == own_rank || space == std::string::npos || all[rank].substr(0, space) != here) continue;
    std::from_chars(all[rank].data() + space + 1, all[rank].data() + all[rank].size(), pid);
    if (pid <= 0 || pid == ::getpid()) continue;
    peers_.push_back({static_cast<int>(rank), pid, UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)))});
  }
}

const Watch::Peer* Watch::dead_peer() const {
  const auto found = std::find_if(peers_.begin(), peers_.end(), [](const Peer& p) { return ended(p.pid, p.end.get()); });
  return found == peers_.end() ? nullptr : &*found;
}

bool Watch::is_lowest_alive() const {
  return std::none_of(peers_.begin(), peers_.end(), [&](const Peer& p) { return p.rank < own_rank_ && !ended(p.pid, p.end.get()); });
}

void Watch::give_up(GaveUp reason, const Error& error) {
  gave_up_ = reason;
  throw error;
}

void Watch::waits(double seconds) {
  const Peer* dead = dead_peer();
  const int signal = stop_signal();
  if (signal != 0) {
    if (!signalled_) signalled_ = Clock::now();
    // The launcher ends those who are left when one has died: it has said what there is to say.
    if (dead != nullptr || seconds_since(*signalled_) > options_.after_signal) {
      give_up(GaveUp::signal, Error(Fault::interrupted, std::vector<std::string>{}, signal));
    }
  }
  if (dead != nullptr) {
    if (!died_) died_ = Clock::now();
    const double dead_for = seconds_since(*died_);
    if (dead_for > options_.after_death && is_lowest_alive()) {
      give_up(GaveUp::death, machine_error("rank {} (process {}) has ended without a word: killed, or out of memory", dead->rank, dead->pid));
    }
    if (dead_for > options_.after_death + kTongue) give_up(GaveUp::death, Error(Fault::machine, std::vector<std::string>{}));
  }
  if (limit_ && seconds > *limit_) give_up(GaveUp::late, machine_error("the other ranks did not come within {:.1f} s", *limit_));
}

}  // namespace smtrain::dist
