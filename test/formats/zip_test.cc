#include "formats/archive/zip.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "formats/recordio_samples.h"

using namespace smtrain;
using namespace smtrain::formats;
using smtrain::formats::testing::bytes_of;
using Catch::Matchers::Contains;
using Members = std::map<std::string, std::string>;

namespace {

constexpr std::uint64_t kLimit = std::uint64_t{1} << 20;

// By Python's zipfile: "a", 200 times x, and "dir/b", "yz", both deflated.
const char* const kDeflated =
    "504b030414000000080000002100a66bcb7e06000000c80000000100000061aba8181e0000504b0304140000000800000021006248f40f"
    "0400000002000000050000006469722f62abac0200504b0102140314000000080000002100a66bcb7e06000000c8000000010000000000"
    "00000000000080010000000061504b01021403140000000800000021006248f40f04000000020000000500000000000000000000008001"
    "250000006469722f62504b05060000000002000200620000004c0000000000";

Members unpack(const std::string& bytes, std::uint64_t limit = kLimit) { return read_zip(bytes, "m.zip", limit); }

std::string refusal(const std::string& bytes, std::uint64_t limit = kLimit) {
  try {
    unpack(bytes, limit);
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::user);
    CHECK_THAT(error.what(), Contains("m.zip"));
    return error.what();
  }
  return "no error";
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  REQUIRE(from.size() == to.size());
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + 1)) text.replace(at, from.size(), to);
  return text;
}

}  // namespace

TEST_CASE("zip: one member, byte for byte", "[formats]") {
  CHECK(write_zip({{"a", "xyz"}}) ==
        bytes_of("50 4b 03 04 14 00 00 00 00 00 00 00 21 00 67 ba 8e eb 03 00 00 00 03 00 00 00 01 00 00 00 61 78 79 7a"
                 "50 4b 01 02 14 03 14 00 00 00 00 00 00 00 21 00 67 ba 8e eb 03 00 00 00 03 00 00 00 01 00 00 00 00 00 00 00 00 00"
                 "00 00 a4 81 00 00 00 00 61"
                 "50 4b 05 06 00 00 00 00 01 00 01 00 2f 00 00 00 22 00 00 00 00 00"));
}

TEST_CASE("zip: what was written is read again", "[formats]") {
  const Members members = {{"symbol.json", "{}"}, {"params", std::string("\0\1PK\3\4\xff", 7)}, {"empty", ""}, {"folder/x", "y"}};
  const std::string bytes = write_zip({members.begin(), members.end()});
  CHECK(is_zip(bytes));
  CHECK(unpack(bytes) == members);
  CHECK_FALSE(is_zip("PK"));
}

TEST_CASE("zip: members larger than the blocks they are read in", "[formats]") {
  std::string large(3'500'001, '\0');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 2654435761u >> 24);
  CHECK(unpack(write_zip({{"a", "x"}, {"params", large}, {"b", "y"}}), 1 << 22) == Members{{"a", "x"}, {"b", "y"}, {"params", large}});
}

TEST_CASE("zip: deflated members of another program are read", "[formats]") {
  CHECK(unpack(bytes_of(kDeflated)) == Members{{"a", std::string(200, 'x')}, {"dir/b", "yz"}});
  CHECK_THAT(refusal(bytes_of(kDeflated), 199), Contains("limit of 199"));
}

TEST_CASE("zip: names that lead out and members that are there twice are refused", "[formats]") {
  const std::string bytes = write_zip({{"ab/cd", "1"}, {"ab/ce", "2"}});
  CHECK_THAT(refusal(replaced(bytes, "ab/cd", "../cd")), Contains("member \"../cd\" leads out of the archive"));
  CHECK_THAT(refusal(replaced(bytes, "ab/cd", "/b/cd")), Contains("leads out of the archive"));
  CHECK_THAT(refusal(replaced(bytes, "ab/ce", "ab/cd")), Contains("member \"ab/cd\" is there twice"));
  CHECK_THROWS_AS(write_zip({{"../a", "x"}}), Error);
  CHECK_THROWS_AS(write_zip({{"a b", "x"}}), Error);
  CHECK_THROWS_AS(write_zip({{"a", "x"}, {"a", "y"}}), Error);
}

TEST_CASE("zip: other bytes, damage and truncation at every byte are refused", "[formats]") {
  CHECK_THAT(refusal(""), Contains("is empty; expected a zip archive"));
  CHECK_THAT(refusal("{\"a\": 1}"), Contains("JSON text; expected a zip archive"));
  const std::string bytes = write_zip({{"params", "some numbers"}, {"meta.json", "{}"}});
  CHECK_THAT(refusal(replaced(bytes, "some numbers", "some_numbers")), Contains("member \"params\" cannot be read"));
  for (std::size_t size = 0; size < bytes.size(); ++size) CHECK(refusal(bytes.substr(0, size)) != "no error");
}
