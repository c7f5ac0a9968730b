#include "compute/libraries.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <optional>
#include <string>

namespace smtrain::compute {
namespace {

/// A variable of the environment as it was, at the end of the scope.
class Restored {
 public:
  explicit Restored(const char* name) : name_(name) {
    if (const char* value = std::getenv(name)) was_ = value;
    unsetenv(name);
  }
  ~Restored() {
    if (was_) setenv(name_, was_->c_str(), 1);
    else unsetenv(name_);
  }

 private:
  const char* name_;
  std::optional<std::string> was_;
};

TEST_CASE("libraries: what they read at their start is set once, and never what the user set", "[compute][libraries]") {
  const Restored spin("GOMP_SPINCOUNT"), policy("OMP_WAIT_POLICY"), core("OPENBLAS_CORETYPE");
  CHECK(set_up_libraries());
  CHECK(std::getenv("OMP_WAIT_POLICY") == std::string("passive"));
  CHECK_FALSE(set_up_libraries());
  setenv("OMP_WAIT_POLICY", "active", 1);
  setenv("OPENBLAS_CORETYPE", "Zen", 1);
  CHECK_FALSE(set_up_libraries());
  CHECK(std::getenv("OMP_WAIT_POLICY") == std::string("active"));
  CHECK(std::getenv("OPENBLAS_CORETYPE") == std::string("Zen"));
}

TEST_CASE("libraries: OpenBLAS runs the kernels that were asked for", "[compute][libraries]") {
  const char* core = std::getenv("OPENBLAS_CORETYPE");
  if (core == nullptr) return;  // those it found by itself are right
  CHECK_THAT(libraries()[0].detail, Catch::Contains(std::string("core ") + core, Catch::CaseSensitive::No));
}

}  // namespace
}  // namespace smtrain::compute
