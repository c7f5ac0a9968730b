#include "formats/text/csv_texts.h"

#include <catch2/catch.hpp>

#include "formats/record_help.h"
#include "formats/record_stream.h"

using namespace smtrain;
using namespace smtrain::formats;

namespace {

struct Row {
  std::vector<std::string> fields;
  std::uint64_t line = 0;
  bool operator==(const Row&) const = default;
};

std::vector<Row> read(const std::string& path, std::size_t block, bool header, CsvDialect dialect = {}, std::size_t limit = 1 << 20) {
  CsvTextCutter cutter({dialect, header}, limit);
  BlockTeamOptions options = small_blocks(block);
  options.max_record_bytes = limit;
  RecordStream<Row> stream(expand_path(path), cutter,
                           [&](const RawBlock& raw, std::vector<Row>& rows) {
                             for (CsvTexts records(raw, dialect); records.next();) {
                               rows.push_back({{records.fields().begin(), records.fields().end()}, records.line()});
                             }
                           },
                           options);
  return all_of<Row>(stream);
}

}  // namespace

TEST_CASE("csv texts: quotes, line feeds in them, blank lines, BOM and header, at any block size", "[formats][csv]") {
  const ScratchFolder folder;
  const std::string path = folder.write("a.csv", "\xEF\xBB\xBF"
      "id,\"te\nxt\"\r\n1, plain \r\n\n2,\"two\nlines, \"\"quoted\"\"\"\n,\n3,last");
  const std::vector<Row> expected = {{{"1", "plain"}, 3}, {{"2", "two\nlines, \"quoted\""}, 5}, {{"", ""}, 7}, {{"3", "last"}, 8}};
  for (std::size_t block = 1; block < 80; ++block) {
    CAPTURE(block);
    CHECK(read(path, block, true) == expected);
    CHECK(read(path, block, false).size() == 5);
  }
  CHECK(csv_header(expand_path(path), {}) == std::vector<std::string>{"id", "te\nxt"});
}

TEST_CASE("csv texts: faults are told with their line", "[formats][csv]") {
  const ScratchFolder folder;
  const std::string path = folder.write("a.csv", "a,b\n1,\"x\"y\n");
  CHECK(error_of([&] { read(path, 100, false); }) == path + ":2: column 1: text behind the closing quote of \"x\"; a quote inside of a field is doubled");
  const std::string open = folder.write("b.csv", "a,b\n1,\"x\n2,3\n");
  CHECK(error_of([&] { read(open, 100, false); }) == open + ":2: a quote is opened and never closed");
  const std::string longer = folder.write("c.csv", "a,b\n" + std::string(300, 'x') + "\n");
  CHECK(error_of([&] { read(longer, 1000, false, {}, 200); }).starts_with(longer + ":2: a record of 300 bytes or more, expected at most 200"));
}

TEST_CASE("csv texts: random fields come back as they were", "[formats][csv]") {
  const ScratchFolder folder;
  const std::uint64_t seed = 31;
  CAPTURE(seed);
  RandomStream random(seed, "csv");
  for (int round = 0; round < 30; ++round) {
    std::string text;
    std::vector<std::vector<std::string>> rows(1 + random.below(20));
    for (auto& row : rows) {
      row.resize(2 + random.below(3));
      for (std::string& field : row) {
        for (std::size_t n = random.below(6); n > 0; --n) field += std::string_view("ab\"\n;'\xC3")[random.below(7)];
        field = "x" + field + "y";  // blanks at the ends are not kept
        std::string quoted = "\"";
        for (const char c : field) quoted += c == '"' ? "\"\"" : std::string(1, c);
        text += quoted + "\"" + (&field == &row.back() ? "\n" : ";");
      }
    }
    const std::vector<Row> back = read(folder.write("a.csv", text), 1 + random.below(100), false, {';', '"'});
    REQUIRE(back.size() == rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) CHECK(back[i].fields == rows[i]);
  }
}
