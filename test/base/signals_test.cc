#include "base/signals.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <functional>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "base/temporary_folder.h"

namespace smtrain {
namespace {

// Runs `body` in a child of its own, since handlers belong to a process; its exit status.
int in_child(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    int code = 99;
    try {
      // A test runner in the background ignores SIGINT.
      for (const int number : {SIGINT, SIGHUP}) std::signal(number, SIG_DFL);
      install_signal_handlers();
      code = body();
    } catch (const Error& error) {
      code = error.exit_code();
    }
    _exit(code);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

}  // namespace

TEST_CASE("each stop signal sets the flag and ends the run with 128 + its number") {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGXCPU}) {
    CAPTURE(signal);
    CHECK(in_child([signal] {
            if (stop_signal() != 0) return 1;
            throw_if_stopped();
            raise(signal);
            if (stop_signal() != signal) return 2;
            throw_if_stopped();
            return 3;
          }) == 128 + signal);
  }
}

TEST_CASE("the first signal decides and a repeated SIGTERM does nothing more") {
  CHECK(in_child([] {
          for (const int signal : {SIGCONT, SIGTERM, SIGCONT, SIGTERM, SIGUSR1}) raise(signal);
          return stop_signal() == SIGTERM ? 7 : 1;
        }) == 7);
}

TEST_CASE("a signal that was ignored when the run began stays ignored, and SIGXFSZ always is") {
  CHECK(in_child([] {
          for (const int number : {SIGINT, SIGHUP}) std::signal(number, SIG_IGN);
          install_signal_handlers();
          for (const int number : {SIGINT, SIGINT, SIGHUP, SIGXFSZ}) raise(number);
          return stop_signal() == 0 ? 7 : 1;
        }) == 7);
}

TEST_CASE("SIGUSR2 asks for one checkpoint and SIGPIPE for nothing") {
  CHECK(in_child([] {
          if (take_checkpoint_request()) return 1;
          raise(SIGUSR2);
          raise(SIGPIPE);
          if (!take_checkpoint_request() || take_checkpoint_request()) return 2;
          return stop_signal() == 0 ? 7 : 3;
        }) == 7);
}

TEST_CASE("a second SIGINT removes temporaries and ends at once with 130") {
  const test::TemporaryFolder folder;
  CHECK(in_child([&] {
          AtomicFile first(folder / "a"), second(folder / "b");
          first.write("half");
          raise(SIGINT);
          if (folder.entries() != 2) return 1;
          raise(SIGINT);
          return 2;
        }) == 130);
  CHECK(folder.entries() == 0);
}

TEST_CASE("a signal ends a read that blocks, also when another thread takes it") {
  CHECK(in_child([] {
          int ends[2];
          if (pipe(ends) != 0) return 1;
          ExceptionTrap trap;
          std::thread reader([&] {
            sigset_t all;
            sigfillset(&all);
            pthread_sigmask(SIG_SETMASK, &all, nullptr);
            char byte;
            trap.run(0, [&] { read_fully(ends[0], {&byte, 1}, "pipe"); });
          });
          std::this_thread::sleep_for(std::chrono::milliseconds(20));
          raise(SIGTERM);
          reader.join();
          trap.rethrow();
          return 2;
        }) == 128 + SIGTERM);
}

TEST_CASE("a stop can be asked for and cleared by a call") {
  request_stop(SIGTERM);
  CHECK(stop_signal() == SIGTERM);
  CHECK_THROWS_WITH(throw_if_stopped(), "stopped: SIGTERM");
  request_stop(0);
  CHECK(stop_signal() == 0);
  CHECK_NOTHROW(throw_if_stopped());
}

TEST_CASE("a stop of several processes is passed over for a while") {
  delay_stops(0.2);
  request_stop(SIGTERM);
  CHECK_NOTHROW(throw_if_stopped());
  CHECK(stop_signal() == SIGTERM);
  std::this_thread::sleep_for(std::chrono::milliseconds(250));
  CHECK_THROWS_AS(throw_if_stopped(), Error);
  delay_stops(0);
  CHECK_THROWS_AS(throw_if_stopped(), Error);
  request_stop(0);
}

TEST_CASE("a timer asks for a stop, wakes a blocked read, and is forgotten with its object") {
  CHECK(in_child([] {
          int ends[2];
          if (pipe(ends) != 0) return 1;
          {
            const StopTimer timer(0.05);
            char byte;
            try {
              read_fully(ends[0], {&byte, 1}, "pipe");
              return 2;
            } catch (const Error& error) {
              if (error.problems().front() != "stopped: the time limit" || stop_signal() != SIGALRM) return 3;
            }
          }
          if (stop_signal() != 0) return 4;
          { const StopTimer called_off(0.02); }
          usleep(60'000);
          return stop_signal() == 0 ? 7 : 5;
        }) == 7);
  CHECK(stop_name(SIGTERM) == "SIGTERM");
}

}  // namespace smtrain
