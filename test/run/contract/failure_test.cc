#include "run/contract/failure.h"

#include <catch2/catch.hpp>

#include "base/temporary_folder.h"

using namespace smtrain;
using namespace smtrain::run::contract;
using Catch::Matchers::Contains;
using smtrain::test::TemporaryFolder;

namespace {

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("failure: the cut is at a character", "[run][contract]") {
  CHECK(first_characters("abc", 2) == "ab");
  CHECK(first_characters("abc", 5) == "abc");
  for (const char* character : {"x", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"})
    CHECK(first_characters(repeated(character, 2000)) == repeated(character, 1024));
}

TEST_CASE("failure: bytes that are no UTF-8 are replaced", "[run][contract]") {
  const std::string replacement = "\xEF\xBF\xBD";
  CHECK(first_characters("a\xFF""b") == "a" + replacement + "b");
  CHECK(first_characters("\xC3") == replacement);
  CHECK(first_characters("\xC0\xAF") == replacement + replacement);             // overlong
  CHECK(first_characters("\xED\xA0\x80") == repeated(replacement, 3));          // surrogate
  CHECK(first_characters("\xF4\x90\x80\x80") == repeated(replacement, 4));      // above U+10FFFF
}

TEST_CASE("failure: whose fault decides the text", "[run][contract]") {
  CHECK(failure_text(Error(Fault::user, std::vector<std::string>{"first", "second"})) == "first\nsecond");
  CHECK(failure_text(Error(Fault::machine, "disk full")) == "Internal error: disk full");
  CHECK(failure_text(Error(Fault::internal, "oops")) == "Internal error: oops");
  CHECK(failure_text(Error(Fault::stopped, "stopped")).empty());
  CHECK(failure_text(Error(Fault::interrupted, std::vector<std::string>{"stopped"}, 15)).empty());
}

TEST_CASE("failure: the first reason stays", "[run][contract]") {
  TemporaryFolder folder;
  write_failure(folder / "failure", "first");
  write_failure(folder / "failure", "second");
  CHECK(folder.read("failure") == "first");
  CHECK_THROWS_WITH(write_failure(folder / "none" / "failure", "text"), Contains("cannot write") && Contains("none/failure"));
}
