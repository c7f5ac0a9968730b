#include "run/depfile.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "base/temporary_folder.h"

namespace smtrain {
namespace {

using Catch::Matchers::Contains;

TEST_CASE("depfile: the rule names each input once, in order, with an empty rule for each", "[run][depfile]") {
  CHECK(run::make_rule("model.tar.gz", {"b.csv", "a.csv", "b.csv"}) ==
        "model.tar.gz: \\\n  a.csv \\\n  b.csv\n\na.csv:\n\nb.csv:\n");
}

TEST_CASE("depfile: blanks, #, $, %, : and backslashes before them are escaped", "[run][depfile]") {
  CHECK(run::make_rule("o", {"a b"}) == "o: \\\n  a\\ b\n\na\\ b:\n");
  CHECK(run::make_rule("o", {"a#b$c"}) == "o: \\\n  a\\#b$$c\n\na\\#b$$c:\n");
  CHECK(run::make_rule("o%", {"a%"}) == "o\\%: \\\n  a%\n\na\\%:\n");
  CHECK(run::make_rule("o", {"a\\ b\\c"}) == "o: \\\n  a\\\\\\ b\\c\n\na\\\\\\ b\\c:\n");
  CHECK(run::make_rule("o", {"a:b"}) == "o: \\\n  a\\:b\n\na\\:b:\n");
}

TEST_CASE("depfile: a first input with an equals sign does not become a variable", "[run][depfile]") {
  CHECK(run::make_rule("o", {"dt=1/a", "z"}) == "o: \\\n  z \\\n  dt=1/a\n\nz:\n");
  CHECK(run::make_rule("o", {"dt=1/a"}) == "o: $() \\\n  dt=1/a\n");
}

TEST_CASE("depfile: names that no make rule can hold are refused", "[run][depfile]") {
  CHECK_THROWS_WITH(run::make_rule("o", {"a\nb"}), Contains("\"a\\nb\"") && Contains("make rule"));
  CHECK_THROWS_WITH(run::make_rule("o", {"a;b"}), Contains("rename the file"));
  CHECK_THROWS_AS(run::make_rule("k=v", {"a"}), Error);
}

// What counts is what make does with the rule.
int make(const test::TemporaryFolder& folder, const std::string& options) {
  const std::string command = "cd '" + folder.path().string() + "' && make -s -f rules.mk " + options + " >/dev/null 2>&1";
  return std::system(command.c_str());
}

TEST_CASE("depfile: make reads every awkward name back", "[run][depfile]") {
  if (std::system("make --version >/dev/null 2>&1") != 0) {
    WARN("skipped: make is not installed");
    return;
  }
  for (const std::string name : {"plain", "a b", "h#h", "do$l", "per%c", "co:lon", "back\\s", "end\\ x", "st*r", "q?", "br[1]",
                                 "~t", "dt=1", "pi|pe", "t\tb", "amp&", "quo'te", "\xc3\xa4"}) {
    CAPTURE(name);
    const test::TemporaryFolder folder;
    folder.write("in/" + name, "x");
    folder.write("out", "x");
    folder.write("rules.mk", "all: out\n" + run::make_rule("out", {"in/" + name}) + "out:\n\techo built > built\n");
    const auto time = std::filesystem::last_write_time(folder.path() / "out");
    std::filesystem::last_write_time(folder.path() / "in" / name, time - std::chrono::hours(1));
    CHECK(make(folder, "") == 0);
    CHECK_FALSE(std::filesystem::exists(folder.path() / "built"));
    std::filesystem::last_write_time(folder.path() / "out", time - std::chrono::hours(2));
    CHECK(make(folder, "") == 0);
    CHECK(std::filesystem::exists(folder.path() / "built"));
  }
}

TEST_CASE("depfile: standard input and FIFOs are left out of the file", "[run][depfile]") {
  const test::TemporaryFolder folder;
  const std::string input = folder.write("a b.csv", "1\n");
  run::write_depfile(folder / "out.d", "out", {"-", "/dev/null", input});
  const std::string rule = folder.read("out.d");
  CHECK_THAT(rule, Contains("a\\ b.csv"));
  CHECK_THAT(rule, !Contains("/dev/null"));
  CHECK_THAT(rule, !Contains(" -"));
}

}  // namespace
}  // namespace smtrain
