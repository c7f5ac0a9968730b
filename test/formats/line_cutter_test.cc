#include <catch2/catch.hpp>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <string_view>

#include "base/error.h"
#include "formats/record_cutter.h"
#include "formats/text/lines.h"

namespace smtrain::formats {
namespace {

RecordCutter::Cut cut(std::string_view bytes, bool file_start, bool at_end, BlankLines blank, std::size_t longest) {
  RawBlock block;
  block.bytes = {bytes.data(), bytes.size()};
  block.source = std::make_shared<const std::string>("t/x");
  block.first_line = 1;
  return LineCutter(longest, blank).cut(block, file_start, at_end);
}

std::string any_text(std::mt19937& random, bool blanks) {
  std::string text = random() % 3 == 0 ? std::string(kBom) : "";
  for (std::size_t lines = random() % 40; lines > 0; --lines) {
    if (blanks && random() % 8 == 0) text += std::string(random() % 3, " \t\r"[random() % 3]);
    else text += std::string(1 + random() % 40, 'x') + (random() % 4 == 0 ? "\r" : "");
    text += '\n';
  }
  if (random() % 3 == 0) text += random() % 4 == 0 && blanks ? "  " : "rest";
  return text;
}

}  // namespace

TEST_CASE("line cutter: counts what Lines walks over, blank lines or none", "[formats][lines]") {
  const unsigned seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int trial = 0; trial < 20000; ++trial) {
    const std::string text = any_text(random, trial % 2 == 0);
    const bool file_start = random() % 2 == 0, at_end = random() % 2 == 0;
    const BlankLines blank = random() % 2 == 0 ? BlankLines::skipped : BlankLines::records;
    CAPTURE(text, file_start, at_end);
    // Lines shorter than a block that is longer than the longest line take the careful way, the others the quick one.
    const RecordCutter::Cut found = cut(text, file_start, at_end, blank, random() % 2 == 0 ? 64 : 100000);
    const std::size_t end = at_end ? text.size() : text.rfind('\n') + 1;
    REQUIRE(found.bytes == end);
    REQUIRE(found.skip == (file_start && text.substr(0, end).starts_with(kBom) ? kBom.size() : 0));
    const std::string_view whole = std::string_view(text).substr(found.skip, end - found.skip);
    std::size_t records = 0;
    for (Lines lines(whole, 1, blank); lines.next();) ++records;
    REQUIRE(found.records == records);
    REQUIRE(found.lines == static_cast<std::size_t>(std::count(whole.begin(), whole.end(), '\n')));
  }
}

TEST_CASE("line cutter: a line beyond the limit is refused with its number", "[formats][lines]") {
  const std::string text = "short\n" + std::string(30, 'x') + "\n";
  CHECK_THROWS_WITH(cut(text, true, true, BlankLines::skipped, 20), Catch::StartsWith("t/x:2: a line of 30 bytes"));
  CHECK(cut(text, true, true, BlankLines::skipped, 30).records == 2);
}

}  // namespace smtrain::formats
