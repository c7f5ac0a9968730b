#include "run/convert/part_plan.h"

#include <catch2/catch.hpp>

#include "base/error.h"

namespace smtrain {
namespace {

using Catch::Matchers::Contains;

run::PartPlan split(const std::string& text) {
  run::PrepareOptions options;
  options.split = text;
  return run::plan_parts(options);
}

TEST_CASE("parts: shares as numbers, in percent, with a rest", "[run][convert]") {
  CHECK(split("train=0.8,test=0.2").names == std::vector<std::string>{"train", "test"});
  CHECK(split("a=80, b=20").shares == std::vector<double>{0.8, 0.2});
  CHECK(split("a=0.75,b").shares == std::vector<double>{0.75, 0.25});
  CHECK(split("a,b=30,c=20").shares == std::vector<double>{0.5, 0.3, 0.2});
  for (const char* wrong :
       {"", "a", "a=1", "a=0.5,b=0.6", "a=0,b=1", "a=1,b", "a,b", "=1,b=0", "../a=0.5,b=0.5", "a=-1,b=2", "a=nan,b=1"}) {
    CHECK_THROWS_AS(split(wrong), Error);
  }
}

TEST_CASE("parts: folds and shards", "[run][convert]") {
  run::PrepareOptions options;
  options.folds = 11;
  CHECK(run::plan_parts(options).names.back() == "fold10");
  CHECK(run::plan_parts(options).names.front() == "fold00");
  options.shards = 2;
  CHECK_THROWS_WITH(run::plan_parts(options), Contains("exclude each other"));
  options.folds.reset();
  CHECK(run::plan_parts(options).names == std::vector<std::string>{"00000", "00001"});
  CHECK(run::plan_parts(options).in_turn);
  options.stratify = "0";
  CHECK_THROWS_WITH(run::plan_parts(options), Contains("--split or --folds"));
}

TEST_CASE("parts: paths", "[run][convert]") {
  CHECK(run::part_path("out.csv", "a") == "out-a.csv");
  CHECK(run::part_path("x.y/out.CSV.GZ", "a") == "x.y/out-a.CSV.GZ");
  CHECK(run::part_path("x.y/out", "a") == "x.y/out-a");
  CHECK(run::part_path("x.y/.out", "a") == "x.y/.out-a");
  CHECK(run::part_path("out.gz", "a") == "out-a.gz");
  CHECK(run::part_path("{}/out-{}.csv", "train") == "train/out-train.csv");
  CHECK(run::part_path("{}.csv", "{}") == "{}.csv");
  CHECK(run::part_path("out.csv", "") == "out.csv");
}

TEST_CASE("parts: manifests name what the paths have in common", "[run][convert]") {
  CHECK(run::manifest_of({"/data/a b/0.csv", "/data/a b/1.csv"}) ==
        "[\n {\n  \"prefix\": \"file:///data/a%20b/\"\n },\n \"0.csv\",\n \"1.csv\"\n]\n");
  CHECK_THAT(run::manifest_of({"/d/00/x.csv", "/d/01/x.csv"}), Contains("file:///d/\"") && Contains("\"00/x.csv\""));
}

}  // namespace
}  // namespace smtrain
