#include <catch2/catch.hpp>
#include <filesystem>
#include <set>

#include "base/file.h"
#include "run/describe/describe.h"

using namespace smtrain;

namespace {

const std::filesystem::path kShare = std::filesystem::path(SMTRAIN_TEST_DATA) / ".." / ".." / "share";

}  // namespace

TEST_CASE("documents: the committed pages are what the tables say (else run: smtrain documents share)", "[run]") {
  for (const auto& [path, text] : run::generated_documents()) {
    INFO(path);
    REQUIRE(std::filesystem::exists(kShare / path));
    CHECK((read_file(kShare / path) == text));
  }
}

TEST_CASE("documents: no page is left of a subcommand that is gone", "[run]") {
  std::set<std::string> generated;
  for (const auto& [path, text] : run::generated_documents()) generated.insert(path);
  for (const char* folder : {"man/man1", "completions", "doc/reference"}) {
    for (const auto& entry : std::filesystem::directory_iterator(kShare / folder)) {
      const std::string path = std::string(folder) + "/" + entry.path().filename().string();
      INFO(path);
      CHECK(generated.count(path) == 1);
    }
  }
}
