#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "base/machine.h"
#include "run/console/collecting_console.h"
#include "run/requests.h"

namespace smtrain {
namespace {

using Catch::Matchers::Contains;
using nlohmann::json;

std::string info(bool as_json) {
  run::CommonSettings common;
  common.threads = {3, "SMTRAIN_THREADS"};
  common.memory_limit = {std::uint64_t{5} << 30, "cgroup"};
  common.device = {"auto", "default"};
  test::CollectingConsole console;
  run::info(as_json, common, console);
  return console.out;
}

TEST_CASE("info: settings come with their origin", "[run][info]") {
  const json j = json::parse(info(true));
  CHECK(j["schema"] == 1);
  CHECK(j["threads"] == json{{"value", 3}, {"origin", "SMTRAIN_THREADS"}});
  CHECK(j["memory"] == json{{"value", std::uint64_t{5} << 30}, {"origin", "cgroup"}});
  CHECK_THAT(info(false), Contains("3 (SMTRAIN_THREADS)") && Contains("5.0 GiB (cgroup)"));
}

TEST_CASE("info: every library has a version and a place", "[run][info]") {
  const json j = json::parse(info(true));
  std::vector<std::string> names;
  for (const json& library : j["libraries"]) {
    CAPTURE(library.dump());
    names.push_back(library["name"]);
    CHECK_THAT(library["version"].get<std::string>(), Catch::Matchers::Matches("[0-9]+(\\.[0-9]+)*"));
    CHECK_FALSE(library["loaded_from"].get<std::string>().empty());
  }
  for (const char* name : {"OpenBLAS", "zstd", "isa-l", "libarchive", "simdjson", "libdeflate", "libjpeg-turbo", "libpng"}) {
    CHECK(std::count(names.begin(), names.end(), name) == 1);
  }
  CHECK_THAT(j["libraries"][0]["detail"].get<std::string>(), Catch::Matchers::StartsWith("OpenMP flavour"));
}

TEST_CASE("info: one OpenMP runtime is loaded, and the kernels are those in use", "[run][info]") {
  const json j = json::parse(info(true));
#ifdef _OPENMP
  CHECK(j["openmp_runtimes"].size() == 1);
#endif
  CHECK(j["openmp_runtimes"].size() <= 1);
  CHECK(j["kernels"] == name_of(kernel_level()));
  CHECK(j["cpu"]["model"] == cpu_model());
  CHECK_FALSE(j["build"]["type"].get<std::string>().empty());
}

TEST_CASE("info: says whose MPI stands behind the module, or what is missing", "[run][info]") {
  setenv("SMTRAIN_MODULE_PATH", "/nowhere", 1);
  const json j = json::parse(info(true));
  unsetenv("SMTRAIN_MODULE_PATH");
  CHECK_THAT(j["mpi"]["problem"].get<std::string>(), Contains("libsmtrain_mpi.so is missing: not in /nowhere"));
  CHECK(j["mpi"]["started_by"] == "one process");
  CHECK_THAT(info(false), Contains("MPI"));
}

}  // namespace
}  // namespace smtrain
