#include "base/signals.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cmath>
#include <string>

#include "base/error.h"
#include "base/file.h"

namespace smtrain {
namespace {

std::atomic<int> stop_flag{0};
std::atomic<bool> interrupted_once{false};
std::atomic<bool> checkpoint_flag{false};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free,
              "signal handlers may touch lock-free atomics only");

std::atomic<std::int64_t> delay_ns{0}, first_seen_ns{0};

bool is_delayed() {
  const std::int64_t delay = delay_ns.load(std::memory_order_relaxed);
  if (delay == 0) return false;
  const std::int64_t now = std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
  std::int64_t first = 0;
  if (first_seen_ns.compare_exchange_strong(first, now)) first = now;
  return now - first < delay;
}

// The first signal decides the exit code; later ones change nothing.
void ask_for_stop(int signal) {
  int none = 0;
  stop_flag.compare_exchange_strong(none, signal);
}

void on_stop(int signal) { ask_for_stop(signal); }

void on_interrupt(int signal) {
  if (interrupted_once.exchange(true)) {
    if (files_get_names()) return;
    remove_temporaries();
    _exit(128 + SIGINT);
  }
  ask_for_stop(signal);
}

void on_checkpoint(int) { checkpoint_flag.store(true); }

void handle(int signal, void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  action.sa_flags = 0;  // no SA_RESTART: a blocked read must notice
  if (sigaction(signal, &action, nullptr) != 0) {
    throw internal_error("cannot handle signal {}: {}", signal, errno_text(errno));
  }
}

// Whoever started us with a signal ignored (nohup, a shell's background job) means it.
bool is_ignored(int signal) {
  struct sigaction now = {};
  return sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

void set_timer(double seconds) {
  itimerval timer = {};
  timer.it_value.tv_sec = static_cast<time_t>(seconds);
  timer.it_value.tv_usec = static_cast<suseconds_t>((seconds - std::floor(seconds)) * 1e6);
  if (setitimer(ITIMER_REAL, &timer, nullptr) != 0) throw internal_error("cannot set a timer: {}", errno_text(errno));
}

}  // namespace

void install_signal_handlers() {
  if (!is_ignored(SIGINT)) handle(SIGINT, on_interrupt);
  if (!is_ignored(SIGHUP)) handle(SIGHUP, on_stop);
  for (const int signal : {SIGTERM, SIGUSR1, SIGXCPU}) handle(signal, on_stop);
  handle(SIGUSR2, on_checkpoint);
  handle(SIGPIPE, SIG_IGN);
  handle(SIGXFSZ, SIG_IGN);  // a limit on file sizes is a failed write, which cleans up
}

int stop_signal() { return stop_flag.load(std::memory_order_relaxed); }

std::string stop_name(int signal) {
  if (signal == SIGALRM) return "the time limit";
  const char* name = sigabbrev_np(signal);
  return name != nullptr ? fmt::format("SIG{}", name) : fmt::format("signal {}", signal);
}

void throw_if_stopped() {
  const int signal = stop_signal();
  if (signal == 0 || is_delayed()) return;
  throw Error(Fault::interrupted, {fmt::format("stopped: {}", stop_name(signal))}, signal);
}

void delay_stops(double seconds) {
  delay_ns.store(static_cast<std::int64_t>(seconds * 1e9));
  first_seen_ns.store(0);
}

bool take_checkpoint_request() {
  return checkpoint_flag.load(std::memory_order_relaxed) && checkpoint_flag.exchange(false);
}

StopTimer::StopTimer(double seconds) {
  constexpr double kLeast = 1e-3, kMost = 1e9;
  handle(SIGALRM, on_stop);
  set_timer(std::clamp(seconds, kLeast, kMost));
}

StopTimer::~StopTimer() {
  const itimerval off = {};
  setitimer(ITIMER_REAL, &off, nullptr);
  int ours = SIGALRM;
  stop_flag.compare_exchange_strong(ours, 0);
}

void request_stop(int signal) {
  if (signal != 0) return ask_for_stop(signal);
  stop_flag.store(0);
  interrupted_once.store(false);
}

}  // namespace smtrain
