#include "base/module.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>

#include "base/temporary_folder.h"

namespace smtrain {
namespace {

// SMTRAIN_MODULE_PATH for the time of a test.
class ModulePath {
 public:
  explicit ModulePath(const std::string& value) {
    if (const char* before = std::getenv("SMTRAIN_MODULE_PATH")) before_ = before;
    setenv("SMTRAIN_MODULE_PATH", value.c_str(), 1);
  }
  ~ModulePath() {
    if (before_.empty()) unsetenv("SMTRAIN_MODULE_PATH");
    else setenv("SMTRAIN_MODULE_PATH", before_.c_str(), 1);
  }

 private:
  std::string before_;
};

TEST_CASE("a module that is nowhere is named with the folders searched") {
  const test::TemporaryFolder a, b;
  const ModulePath path(a.path().string() + ":" + b.path().string());
  try {
    (void)open_module("libsmtrain_none.so", "stamp");
    FAIL("opened");
  } catch (const Error& e) {
    CHECK(e.fault() == Fault::machine);
    CHECK_THAT(e.what(), Catch::Contains("libsmtrain_none.so is missing") && Catch::Contains(a.path().string()) &&
                             Catch::Contains(b.path().string()));
  }
}

TEST_CASE("a module that the loader refuses is reported in the loader's words") {
  const test::TemporaryFolder folder;
  std::ofstream(folder.path() / "libsmtrain_text.so") << "not a library\n";
  const ModulePath path(folder.path().string());
  CHECK_THROWS_WITH(open_module("libsmtrain_text.so", "stamp"),
                    Catch::Contains("cannot be loaded") && Catch::Contains("libsmtrain_text.so"));
}

TEST_CASE("services log to the program and throw from it") {
  CollectedLog log;
  const HostServices services = host_services(log);
  services.write_log(services.context, Level::warning, "warm");
  REQUIRE(log.lines.size() == 1);
  CHECK(log.lines[0].second == "warm");
  CHECK_THROWS_AS(services.fail(Fault::machine, "no device"), Error);
}

}  // namespace
}  // namespace smtrain
