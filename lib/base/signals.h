// Signals: handlers only set a flag; work looks at it at safe points and inside long steps.
#pragma once

#include <string>

namespace smtrain {

/// Installs the handlers: SIGINT, SIGTERM, SIGHUP, SIGUSR1 and SIGXCPU ask for a stop; SIGUSR2 asks for a checkpoint;
/// SIGPIPE and SIGXFSZ are ignored (writes fail with EPIPE and EFBIG); SIGINT and SIGHUP stay ignored where they already
/// were (nohup). The second SIGINT removes temporaries and ends the process at once with
/// 130. System calls are not restarted, so that a blocked read on a FIFO notices.
void install_signal_handlers();

/// The signal that asked for a stop, 0 when none has. Cheap; safe from any thread.
int stop_signal();

/// What asked for the stop, for messages: "SIGTERM", "the time limit" (SIGALRM, from StopTimer).
std::string stop_name(int signal);

/// Throws the Error of an interrupted run (exit 128 + signal) when a stop was asked for. Thread-safe.
void throw_if_stopped();

/// throw_if_stopped() passes over a stop for so many seconds after it is first seen: processes that stop together do so where
/// they meet, and only a wait for what does not come is ended alone. 0, as at the start: at once.
void delay_stops(double seconds);

/// Asks for a stop, as SIGALRM, once `seconds` have passed; also a blocked read notices. Destroyed, it is called off, and a stop
/// that it asked for is forgotten. One at a time in a process.
class StopTimer {
 public:
  explicit StopTimer(double seconds);
  StopTimer(const StopTimer&) = delete;
  StopTimer& operator=(const StopTimer&) = delete;
  ~StopTimer();
};

/// True once after each SIGUSR2.
bool take_checkpoint_request();

/// For tests and for embedding: asks for a stop as `signal` would; 0 clears the request.
void request_stop(int signal);

}  // namespace smtrain
