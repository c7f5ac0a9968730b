#include "base/error.h"

#include <catch2/catch.hpp>
#include <cerrno>
#include <thread>
#include <vector>

namespace smtrain {

TEST_CASE("each fault has its exit code") {
  CHECK(Error(Fault::user, "x").exit_code() == 2);
  CHECK(Error(Fault::machine, "x").exit_code() == 1);
  CHECK(Error(Fault::internal, "x").exit_code() == 1);
  CHECK(Error(Fault::stopped, "x").exit_code() == 75);
  CHECK(Error(Fault::interrupted, {"x"}, 15).exit_code() == 143);
}

TEST_CASE("the problems of one stage stand one a line") {
  const Error error(Fault::user, std::vector<std::string>{"k: expected a number", "mini_batch_size: expected a number"});
  CHECK(std::string(error.what()) == "k: expected a number\nmini_batch_size: expected a number");
  CHECK(error.problems().size() == 2);
}

TEST_CASE("helpers format their message and set the fault") {
  const Error error = user_error("{}:{}: found {}", "a.csv", 118, "abc");
  CHECK(std::string(error.what()) == "a.csv:118: found abc");
  CHECK(error.fault() == Fault::user);
  CHECK(machine_error("x").fault() == Fault::machine);
  CHECK(internal_error("x").fault() == Fault::internal);
}

TEST_CASE("a wrong path is the user's fault and a full disk the machine's") {
  for (const int number : {ENOENT, EACCES, EISDIR, ENOTDIR, ENAMETOOLONG, EROFS}) CHECK(fault_of_errno(number) == Fault::user);
  for (const int number : {ENOSPC, EIO, EDQUOT, ENOMEM, EMFILE}) CHECK(fault_of_errno(number) == Fault::machine);
  CHECK(errno_text(ENOSPC) == "No space left on device");
}

TEST_CASE("a trap keeps the exception of the smallest order, whatever the timing") {
  ExceptionTrap trap;
  CHECK_FALSE(trap.caught());
  CHECK_NOTHROW(trap.rethrow());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 8; ++i) {
    threads.emplace_back([&trap, i] {
      trap.run(10 - i, [i] { if (i != 7) throw user_error("worker {}", 10 - i); });
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(trap.caught());
  CHECK_THROWS_WITH(trap.rethrow(), "worker 4");
}

}  // namespace smtrain
