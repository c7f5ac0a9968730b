#include <catch2/catch.hpp>

#include <cmath>

#include "formats/record_help.h"
#include "formats/series/series.h"

using namespace smtrain;
using namespace smtrain::formats;

namespace {

const std::string kData = SMTRAIN_TEST_DATA "/series/";

std::string lines_of(const std::string& path, int threads = 2) {
  NullLog log;
  const auto reader = open_series(expand_path(path), small_blocks(1 << 16, threads), log);
  std::string lines;
  for (const Series& s : all_of<Series>(*reader)) append_series(lines, s);
  return lines;
}

}  // namespace

TEST_CASE("series: Parquet holds the same as JSON Lines, starts as text and as time stamps", "[formats][series][parquet]") {
  const std::string expected = lines_of(kData + "series.json");
  CHECK(std::count(expected.begin(), expected.end(), '\n') == 40);
  for (const int threads : {1, 3}) {
    CHECK(lines_of(kData + "text_snappy.parquet", threads) == expected);
    CHECK(lines_of(kData + "times_gzip.parquet", threads) == expected);
  }
  // A folder of all three, in the order of their names.
  const ScratchFolder folder;
  for (const std::string name : {"series.json", "text_snappy.parquet", "times_gzip.parquet"}) {
    std::filesystem::copy(kData + name, folder / name);
  }
  CHECK(lines_of(folder.path()) == expected + expected + expected);
}

TEST_CASE("series: columns of Parquet that are no series are refused by name", "[formats][series][parquet]") {
  const std::string path = SMTRAIN_TEST_DATA "/parquet/numbers.parquet";
  CHECK(error_of([&] { lines_of(path); }).starts_with(path + ": has no column start, expected text, timestamps or dates"));
}
