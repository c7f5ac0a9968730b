// Columns of the sample files that test/data/parquet/make.py has made: every type, in every encoding.
#include "formats/parquet/columns.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

#include "base/error.h"
#include "base/text.h"
#include "formats/io/compress.h"
#include "formats/record_stream.h"
#include "formats/scratch_folder.h"
#include "formats/table_help.h"

using namespace smtrain;
using namespace smtrain::formats;
using namespace smtrain::formats::parquet;

namespace {

constexpr int kRows = 300;
constexpr std::int64_t kDay = 86'400'000'000;
const char* const kFiles[] = {"plain", "dictionary_snappy", "dictionary_v2_gzip", "delta_v2_zstd", "split"};

std::string sample(const std::string& name) { return std::string(SMTRAIN_TEST_DATA) + "/parquet/" + name; }

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

/// Everything a row holds, as text.
std::string text_of(const Column& c, std::size_t value) {
  if (c.valid[value] == 0) return "null";
  if (c.kind == Kind::number) return fmt::format("{}", c.numbers[value]);
  if (c.kind == Kind::text || c.kind == Kind::binary) return smtrain::quoted(c.text(value));
  return fmt::format("{}", c.integers[value]);
}

std::string text_of(const Column& c, std::size_t level, std::size_t i) {
  if (level == c.lists.size()) return text_of(c, i);
  if (c.lists[level].valid[i] == 0) return "null";
  std::string text = "[";
  for (std::size_t k = c.lists[level].begin(i); k < c.lists[level].end(i); ++k)
    text += (text.size() > 1 ? "," : "") + text_of(c, level + 1, k);
  return text + "]";
}

using Rows = std::map<std::string, std::vector<std::string>>;

struct Row {
  std::string column, text;
};

PartCutter::Choose everything() {
  return [](const FileSummary& file, const std::string&) {
    std::vector<std::size_t> all(file.schema.leaves.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    return all;
  };
}

Rows read(const std::string& path, std::size_t part_bytes, int threads = 1) {
  PartCutter cutter(everything(), part_bytes);
  BlockTeamOptions options;
  options.threads = threads;
  options.block_bytes = 1000;
  RecordStream<Row> stream(expand_path(path), cutter, [](const RawBlock& block, std::vector<Row>& rows) {
    std::uint64_t row = block.first_record;
    for (const Part& part : parts_of(block)) {
      REQUIRE(part.first_row == row);
      row += part.rows;
      for (const Column& c : read_columns(part, *block.source)) {
        for (std::size_t i = 0; i < part.rows; ++i) rows.push_back({c.name, text_of(c, 0, i)});
        if (c.lists.empty()) REQUIRE(c.values() == part.rows);
      }
    }
  }, options);
  Rows all;
  for (std::vector<Row> rows; stream.next(rows);) {
    for (Row& r : rows) all[r.column].push_back(std::move(r.text));
  }
  return all;
}

std::string maybe(int i, std::string text) { return i % 11 == 5 ? "null" : text; }

template <class T>
std::string maybe(int i, T value) {
  return maybe(i, fmt::format("{}", value));
}

std::string joined(int count, const std::function<std::string(int)>& element) {
  std::string text = "[";
  for (int k = 0; k < count; ++k) text += (k > 0 ? "," : "") + element(k);
  return text + "]";
}

std::string word(int i) {
  std::string text;
  for (int k = 0; k < i % 3; ++k) text += fmt::format("word{}", i % 7);
  return smtrain::quoted(text);
}

/// What make.py puts into row i.
std::map<std::string, std::string> row(int i) {
  const double eighth = (i - 150) / 8.0;
  const auto number = [](int k) { return fmt::format("{}", k); };
  return {
      {"flag", maybe(i, i % 3 == 0 ? 1 : 0)},
      {"required", number(i % 5)},
      {"i8", maybe(i, i % 256 - 128)},
      {"i16", maybe(i, i * 100 - 15000)},
      {"i32", maybe(i, (i - 150) * 1000003)},
      {"i64", maybe(i, (i - 150) * std::int64_t{1'000'000'000'000'000})},
      {"u8", maybe(i, i % 256)},
      {"u32", maybe(i, i * std::int64_t{14'000'000})},
      {"u64", maybe(i, static_cast<double>(i * std::uint64_t{61'000'000'000'000'000}))},
      {"f16", maybe(i, eighth)},
      {"f32", maybe(i, eighth)},
      {"f64", maybe(i, (i - 150) / 1024.0)},
      {"money", maybe(i, (i - 150) / 4.0)},
      {"wide", maybe(i, (i - 150) / 4.0)},
      {"text", maybe(i, word(i))},
      {"bytes", maybe(i, smtrain::quoted(std::string({static_cast<char>(i), '\0', '\xFF'})))},
      {"fixed", maybe(i, smtrain::quoted(std::string({static_cast<char>(i), 1, 2, 3})))},
      {"millis", maybe(i, i * kDay)},
      {"micros", maybe(i, -i * kDay)},
      {"nanos", maybe(i, i * kDay)},
      {"day", maybe(i, (i - 150) * kDay)},
      {"clock", maybe(i, (i % 24 * 60 + i % 60) * std::int64_t{60'000'000})},
      {"list", i % 13 == 7 ? "null" : joined(i % 4, [&](int k) { return k == 1 ? "null" : fmt::format("{}", i + 0.5 * k); })},
      {"lists", joined(i % 4, [&](int k) { return joined(k, number); })},
      {"words", joined(i % 3, [](int k) { return smtrain::quoted(fmt::format("w{}", k)); })},
  };
}

void check_rows(const Rows& rows, const std::string& what, int repeats = 1) {
  for (const auto& [name, expected] : row(0)) {
    const auto found = rows.find(name);
    REQUIRE(found != rows.end());
    REQUIRE(found->second.size() == static_cast<std::size_t>(kRows * repeats));
    for (int i = 0; i < kRows * repeats; ++i) {
      CAPTURE(what, name, i);
      REQUIRE(found->second[static_cast<std::size_t>(i)] == row(i % kRows).at(name));
    }
  }
  CHECK(rows.size() == row(0).size());
}

}  // namespace

TEST_CASE("parquet: every type in every encoding, cut at every size", "[formats][parquet]") {
  for (const char* const name : kFiles) {
    for (const std::size_t part_bytes : {1, 400, 3000, 20000, 1 << 24}) {
      for (const int threads : {1, 3})
        check_rows(read(sample(std::string(name) + ".parquet"), part_bytes, threads),
                   fmt::format("{} {} {}", name, part_bytes, threads));
    }
  }
}

TEST_CASE("parquet: small parts are many, so that threads share a row group", "[formats][parquet]") {
  const auto parts = [](const std::string& name, std::size_t part_bytes, std::vector<std::string> columns) {
    PartCutter cutter([&](const FileSummary& file, const std::string&) {
      std::vector<std::size_t> chosen;
      for (std::size_t i = 0; i < file.schema.leaves.size(); ++i) {
        if (std::find(columns.begin(), columns.end(), file.schema.leaves[i].name) != columns.end()) chosen.push_back(i);
      }
      return chosen;
    }, part_bytes);
    BlockTeam team(expand_path(sample(name)), cutter, {1, 1, std::size_t{64} << 20});
    std::size_t count = 0;
    while (team.round([&](const RawBlock& block, std::size_t) { count += parts_of(block).size(); }) > 0) {
    }
    return count;
  };
  CHECK(parts("plain.parquet", 1 << 24, {"f64", "i64"}) == 3);
  CHECK(parts("plain.parquet", 1, {"f64", "i64"}) > 6);
  // Lists are cut where the file tells in which row a page begins.
  CHECK(parts("plain.parquet", 1, {"list"}) == 3);
  CHECK(parts("dictionary_v2_gzip.parquet", 1, {"list"}) > 3);
  CHECK(parts("delta_v2_zstd.parquet", 1, {"list", "f64"}) > 3);
}

TEST_CASE("parquet: a file that is compressed, or several in one stream, are read all the same", "[formats][parquet]") {
  const ScratchFolder folder;
  const std::string one = bytes_of(sample("plain.parquet")), two = bytes_of(sample("delta_v2_zstd.parquet"));
  for (const Compression compression : {Compression::gzip, Compression::zstd}) {
    std::string packed;
    append_compressed(compression, one, packed);
    folder.write("one", packed);
    check_rows(read(folder / "one", 400), "compressed");
    packed.clear();
    append_compressed(compression, one + two, packed);
    folder.write("two", packed);
    check_rows(read(folder / "two", 400, 2), "two in one", 2);
    packed.clear();
    append_compressed(compression, one + "tail", packed);
    folder.write("tail", packed);
    CHECK_THAT(error_of([&] { read(folder / "tail", 400); }), Catch::Contains("something else follows the Parquet file"));
  }
}

TEST_CASE("parquet: columns are chosen by name, in the order of the names", "[formats][parquet]") {
  PartCutter cutter({"words", "i8"});
  BlockTeam team(expand_path(sample("plain.parquet")), cutter, {});
  team.round([&](const RawBlock& block, std::size_t place) {
    if (place > 0) return;
    const Part part = parts_of(block).at(0);
    const std::vector<Column> columns = read_columns(part, *block.source);
    REQUIRE(columns.size() == 2);
    CHECK(columns[0].name == "words");
    CHECK(columns[0].kind == Kind::text);
    CHECK(columns[1].name == "i8");
    CHECK(columns[1].number(0) == -128);
    CHECK(std::isnan(columns[1].number(5)));
  });
  PartCutter wrong({"word"});
  BlockTeam none(expand_path(sample("plain.parquet")), wrong, {});
  CHECK_THAT(error_of([&] { none.round([](const RawBlock&, std::size_t) {}); }),
             Catch::Contains("plain.parquet: has no column \"word\"; did you mean words?; there are: flag, required"));
}

TEST_CASE("parquet: a summary is read from the footer", "[formats][parquet]") {
  const auto summary = summarize(expand_path(sample("split.parquet")).at(0));
  REQUIRE(summary);
  CHECK(summary->rows == kRows);
  CHECK(summary->row_groups == 3);
  CHECK(summary->schema.roots.size() == 25);
  CHECK(summary->schema.leaves[3].type.kind() == Kind::integer);
}

TEST_CASE("parquet: the columns of DeepAR's series", "[formats][parquet]") {
  const auto start = [](int i) { return smtrain::quoted(fmt::format("2020-01-01 {:02}:00:00", i)); };
  for (const std::string name : {"series", "series_timestamps"}) {
    const Rows rows = read(sample(name + ".parquet"), 100);
    REQUIRE(rows.at("start").size() == 20);
    for (int i = 0; i < 20; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const int length = 3 + i % 4;
      CAPTURE(name, i);
      CHECK(rows.at("start")[at] ==
            (name == "series" ? start(i) : fmt::format("{}", (18262 * 24 + i) * std::int64_t{3'600'000'000})));
      CHECK(rows.at("target")[at] == joined(length, [&](int k) { return k == 1 ? "nan" : fmt::format("{}", i + k / 4.0); }));
      CHECK(rows.at("cat")[at] == fmt::format("[{},{}]", i % 2, i % 5));
      CHECK(rows.at("dynamic_feat")[at] ==
            joined(2, [&](int f) { return joined(length, [&](int k) { return fmt::format("{}", f * 10 + k); }); }));
    }
  }
}

TEST_CASE("parquet: a file cut off anywhere is refused", "[formats][parquet]") {
  const ScratchFolder folder;
  const std::string whole = bytes_of(sample("spark/part-00001-6a1fa0a3-c000.snappy.parquet"));
  for (std::size_t size = 1; size < whole.size(); ++size) {
    folder.write("cut.parquet", whole.substr(0, size));
    const std::string error = error_of([&] { read(folder / "cut.parquet", 1); });
    CAPTURE(size, error);
    REQUIRE((error.find("truncated") != std::string::npos || error.find("is no Parquet file") != std::string::npos));
  }
}

TEST_CASE("parquet: a byte changed anywhere gives rows or a user's error", "[formats][parquet]") {
  const ScratchFolder folder;
  std::string bytes = bytes_of(sample("spark/part-00001-6a1fa0a3-c000.snappy.parquet"));
  int refused = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char before = bytes[i];
    bytes[i] = static_cast<char>(before ^ (i % 2 == 0 ? 0x40 : 0xFF));
    folder.write("bad.parquet", bytes);
    const std::string error = error_of([&] { read(folder / "bad.parquet", 1); });
    CAPTURE(i, error);
    refused += error == "no error" ? 0 : 1;
    bytes[i] = before;
  }
  CHECK(refused > 100);
}

TEST_CASE("parquet: a page with a wrong checksum is refused", "[formats][parquet]") {
  const ScratchFolder folder;
  std::string bytes = bytes_of(sample("plain.parquet"));
  const std::size_t at = bytes.find("word1");
  REQUIRE(at != std::string::npos);
  bytes[at] = 'W';
  folder.write("bad.parquet", bytes);
  CHECK_THAT(error_of([&] { read(folder / "bad.parquet", 1 << 20); }),
             Catch::Contains("bad.parquet, rows 0 to 119, column \"text\": the checksum of a page is wrong"));
}
