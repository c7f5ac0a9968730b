#include "dist/watch.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <thread>

#include "base/error.h"

namespace smtrain::dist {
namespace {

std::string here(int pid) {
  const std::string own = Watch::whereabouts();
  return own.substr(0, own.rfind(' ') + 1) + std::to_string(pid);
}

// What the watch says within two seconds of asking, "" when it is content.
std::string asked_for(Watch& watch, double seconds) {
  try {
    for (double t = 0; t < seconds; t += 0.01) {
      watch.waits(t);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  } catch (const Error& e) {
    return e.problems().empty() ? "silence" : e.what();
  }
  return "";
}

TEST_CASE("the end of a process on this node is noticed, and told by the lowest rank that is left") {
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  const std::vector<std::string> all = {here(::getpid()), here(child), "another machine 1"};
  Watch first({8, 0.05});
  first.observe(all, 0);
  CHECK(asked_for(first, 0.1) == "");
  ::kill(child, SIGKILL);
  CHECK_THAT(asked_for(first, 2), Catch::Contains("rank 1 (process " + std::to_string(child) + ") has ended"));
  CHECK(first.gave_up() == Watch::GaveUp::death);

  // Seen from rank 2, where rank 0 (this process's parent) lives on.
  Watch last({8, 0.0});
  last.observe({here(::getppid()), here(child), here(::getpid())}, 2);
  CHECK(asked_for(last, 0.5) == "");
  CHECK(asked_for(last, 3) == "silence");
  int status = 0;
  ::waitpid(child, &status, 0);
}

TEST_CASE("a limit ends a wait") {
  Watch watch;
  watch.waits(1e9);
  watch.limit(0.5);
  watch.waits(0.4);
  CHECK_THROWS_WITH(watch.waits(0.6), Catch::Contains("did not come within 0.5 s"));
  CHECK(watch.gave_up() == Watch::GaveUp::late);
}

}  // namespace
}  // namespace smtrain::dist
