#include "formats/series/series.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include "formats/record_help.h"

using namespace smtrain;
using namespace smtrain::formats;

namespace {

std::vector<Series> read(const std::string& path, Log& log, std::size_t block = 64, int threads = 2) {
  const auto reader = open_series(expand_path(path), small_blocks(block, threads), log);
  return all_of<Series>(*reader);
}

std::string refusal(const std::string& line) {
  const ScratchFolder folder;
  const std::string path = folder.write("a.json", R"({"start":"2020-01-01","target":[1,2]})" "\n\n" + line + "\n");
  NullLog log;
  const std::string message = error_of([&] { read(path, log); });
  return message.starts_with(path) ? message.substr(path.size()) : message;
}

// NaN is equal to NaN here.
bool same(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); });
}

Series random_series(RandomStream& random, std::size_t cats, std::size_t features) {
  Series s;
  s.start = static_cast<TimeStamp>(random.below(253402300799));
  for (std::size_t n = random.below(40); n > 0; --n) {
    s.target.push_back(random.below(4) == 0 ? std::numeric_limits<double>::quiet_NaN() : random.normal() * std::pow(10, static_cast<double>(random.below(30)) - 15));
  }
  for (std::size_t i = 0; i < cats; ++i) s.cat.push_back(static_cast<std::uint32_t>(random.below(0x7FFFFFFF)));
  for (std::size_t i = 0; i < features; ++i) {
    s.dynamic_feat.emplace_back(s.target.size() + random.below(3));
    for (double& v : s.dynamic_feat.back()) v = random.normal();
  }
  if (random.below(2) == 0) s.item_id = "série \"" + std::to_string(random.below(100)) + "\"\n";
  return s;
}

}  // namespace

TEST_CASE("series: the forms of a record are read", "[formats][series]") {
  const ScratchFolder folder;
  const std::string path = folder.write("a.json", "\xEF\xBB\xBF"
      R"({"start": "2020-01-01 00:00:00", "target": [1, 2.5, null, "NaN", "nan"], "cat": [0, 7], "dynamic_feat": [[1, 2, 3, 4, 5]], "id": 7})" "\n\n"
      R"({"start": "2020-01-02", "target": [NaN, -1e3], "cat": [1.0, 0], "dynamic_feat": [[1, 2, 3]], "item_id": "NaN", "more": {"x": NaN}},)" "\r\n");
  CollectedLog log;
  const std::vector<Series> all = read(path, log, 1 << 16);
  REQUIRE(all.size() == 2);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(same(all[0].target, {1, 2.5, nan, nan, nan}));
  CHECK(all[0].cat == std::vector<std::uint32_t>{0, 7});
  CHECK(all[0].dynamic_feat == std::vector<std::vector<double>>{{1, 2, 3, 4, 5}});
  CHECK(all[0].item_id == "7");
  CHECK(format_time(all[0].start) == "2020-01-01 00:00:00");
  CHECK(same(all[1].target, {nan, -1000}));
  CHECK(all[1].cat == std::vector<std::uint32_t>{1, 0});
  CHECK(all[1].dynamic_feat[0].size() == 3);
  CHECK(all[1].item_id == "NaN");
  CHECK(all[1].where() == path + ":3");
  REQUIRE(log.lines.size() == 1);
  CHECK(log.lines[0].second == path + ":3: a comma behind the object; JSON Lines have none");
}

TEST_CASE("series: a single category may stand without a list", "[formats][series]") {
  const ScratchFolder folder;
  NullLog log;
  CHECK(read(folder.write("a.json", R"({"start":"2020-01-01","target":[],"cat":3})"), log)[0].cat == std::vector<std::uint32_t>{3});
}

TEST_CASE("series: problems name line, field, what was found and what was expected", "[formats][series]") {
  CHECK(refusal(R"({"target":[1]})").starts_with(":3: start: the field is not there, expected an object such as {\"start\""));
  CHECK(refusal(R"({"start":"2020-01-01"})").starts_with(":3: target: the field is not there"));
  CHECK(refusal(R"({"start":"2020-01-01","target":null})").starts_with(":3: target: the field is not there"));
  CHECK(refusal(R"({"start":20200101,"target":[1]})") == ":3: start: found 20200101, expected a string such as \"2020-01-31 00:00:00\"");
  CHECK(refusal(R"({"start":"01/02/2020","target":[1]})") == ":3: start: \"01/02/2020\": expected a time such as 2020-01-31 10:30:00");
  CHECK(refusal(R"({"start":"2020-01-01 00:00:00+02:00","target":[1]})").find("time zone") != std::string::npos);
  CHECK(refusal(R"({"start":"2020-01-01","target":5})") == ":3: target: found 5, expected a list of numbers");
  CHECK(refusal(R"({"start":"2020-01-01","target":[1,"x"]})") == ":3: target[1]: found \"x\", expected a number, or null where one is missing");
  CHECK(refusal(R"({"start":"2020-01-01","target":[1,Infinity]})") == ":3: target[1]: found \"Infinity\", expected a number, or null where one is missing");
  CHECK(refusal(R"({"start":"2020-01-01","target":[1,2],"cat":[-1]})") == ":3: cat[0]: found -1, expected an integer from 0 to 2147483647");
  CHECK(refusal(R"({"start":"2020-01-01","target":[1,2],"cat":[0.5]})") == ":3: cat[0]: found 0.5, expected an integer from 0 to 2147483647");
  CHECK(refusal(R"({"start":"2020-01-01","target":[1,2],"dynamic_feat":[1,2]})").starts_with(":3: dynamic_feat[0]: found 1, expected a list of numbers"));
  CHECK(refusal(R"({"start":"2020-01-01","target":[1,2],"dynamic_feat":[[1,null]]})") == ":3: dynamic_feat[0][1]: found null, expected a number; none may be missing here");
  CHECK(refusal(R"({"start":"2020-01-01","target":[1,2],"dynamic_feat":[[1]]})") ==
        ":3: dynamic_feat[0]: 1 values, expected as many as target has (2) in training, and prediction_length more at inference");
  CHECK(refusal(R"([1])").starts_with(":3: found an array, expected an object such as"));
  CHECK(refusal(R"({"start")").starts_with(":3: not valid JSON: "));
  CHECK(refusal(R"(,)").starts_with(":3: found nothing, expected an object such as"));
}

TEST_CASE("series: all have as many categories and features as the first", "[formats][series]") {
  CHECK(refusal(R"({"start":"2020-01-01","target":[1],"cat":[0]})").starts_with(":3: cat: 1 categories, expected 0 as in "));
  CHECK(refusal(R"({"start":"2020-01-01","target":[1],"dynamic_feat":[[0]]})").starts_with(":3: dynamic_feat: 1 features, expected 0 as in "));
}

TEST_CASE("series: written and read again they are the same, at any block size and number of threads", "[formats][series]") {
  const ScratchFolder folder;
  const std::uint64_t seed = 22;
  CAPTURE(seed);
  RandomStream random(seed, "series");
  for (int round = 0; round < 20; ++round) {
    const std::size_t cats = random.below(3), features = random.below(3);
    std::vector<Series> all;
    std::string text;
    for (std::size_t n = 1 + random.below(30); n > 0; --n) append_series(text, all.emplace_back(random_series(random, cats, features)));
    const std::string path = folder.write("a.json", text);
    NullLog log;
    const std::vector<Series> back = read(path, log, 100 + random.below(2000), 1 + static_cast<int>(random.below(3)));
    REQUIRE(back.size() == all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      CHECK(back[i].start == all[i].start);
      CHECK(same(back[i].target, all[i].target));
      CHECK(back[i].cat == all[i].cat);
      CHECK(back[i].dynamic_feat == all[i].dynamic_feat);
      CHECK(back[i].item_id == all[i].item_id);
      CHECK(back[i].line == i + 1);
    }
  }
}

TEST_CASE("series: of a folder the files that DeepAR knows are read", "[formats][series]") {
  const ScratchFolder folder;
  const std::string line = R"({"start":"2020-01-01","target":[1]})";
  folder.write("a.json", line);
  folder.write("b.txt", "no series");
  folder.write("c.jsonl", line);
  CollectedLog log;
  CHECK(series_files(expand_path(folder.path()), false, log).size() == 2);
  REQUIRE(log.lines.size() == 1);
  CHECK(log.lines[0].second.starts_with("1 file that end"));
  CHECK(series_files(expand_path(folder.path()), true, log).size() == 3);
  const ScratchFolder other;
  other.write("b.txt", "x");
  other.write("c.txt", "x");
  CHECK(error_of([&] { series_files(expand_path(other.path()), false, log); }).find("none ends with .json") != std::string::npos);
}
