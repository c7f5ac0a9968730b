#include "formats/parting/tail.h"

#include <catch2/catch.hpp>

#include "base/error.h"

namespace smtrain::formats {
namespace {

using Catch::Matchers::Contains;

TEST_CASE("tail: the last records of each group", "[formats][parting]") {
  RecordTail tail(2);
  const std::vector<std::uint64_t> groups = {7, 7, 8, 7, 9, 8, 8, 7};
  for (const std::uint64_t group : groups) tail.count({0, group});
  std::string held;
  for (const std::uint64_t group : groups) held += tail.holds_next({0, group}) ? '1' : '0';
  CHECK(held == "00011111");
  CHECK(tail.short_groups() == 1);
}

TEST_CASE("tail: a series loses its last values, its dynamic features end with it, the rest stays", "[formats][parting]") {
  const std::string line =
      R"({"cat": [1], "dynamic_feat": [[1, 2, 3, 4], [5.5, 6, 7, 8, 9]], "target": [0.1, null, "NaN", 7], "start": "2020-01-01", "id": "\"x"})";
  CHECK(series_without_tail(line, 2, "a.jsonl:3") ==
        R"({"cat":[1],"dynamic_feat":[[1,2],[5.5,6]],"target":[0.1,null],"start":"2020-01-01","id":"\"x"})");
  CHECK(series_without_tail(line, 3, "a.jsonl:3").value().find(R"("target":[0.1])") != std::string::npos);
  CHECK_FALSE(series_without_tail(line, 4, "a.jsonl:3"));
  CHECK_THROWS_WITH(series_without_tail(R"({"start": 1})", 1, "a.jsonl:3"), Contains("a.jsonl:3") && Contains("target"));
  CHECK_THROWS_WITH(series_without_tail("[1]", 1, "a.jsonl:3"), Contains("a.jsonl:3: is no JSON object"));
  CHECK_THROWS_WITH(series_without_tail("{\"target\": [1,2], \"dynamic_feat\": [1]}", 1, "a.jsonl:3"),
                    Contains("dynamic_feat is no array of arrays"));
}

}  // namespace
}  // namespace smtrain::formats
