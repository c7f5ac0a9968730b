#include "run/training_job/metric_search.h"

#include <catch2/catch.hpp>
#include <chrono>

#include "algos/registry.h"
#include "run/training_job/request.h"

using namespace smtrain;
using namespace smtrain::run::training_job;

namespace {

std::string first(const std::string& regex, const std::string& line) {
  const MetricSearch search({{"m", regex}});
  const auto found = search.search(line);
  return found.empty() ? "none" : std::to_string(found[0].value);
}

}  // namespace

TEST_CASE("metric search: the first match's first group is the value", "[run][training_job]") {
  CHECK(first("train_error=(.*?);", "lr=0.1; train_error=0.25; train_error=0.5;") == "0.250000");
  CHECK(first("loss=(\\S+)", "loss=nan") == "none");
  CHECK(first("loss=(\\S+)", "loss=inf") == "none");
  CHECK(first("loss=(\\S+)", "loss=0x10") == "none");
  CHECK(first("loss=(\\S+)", "loss=+1e-3") == "0.001000");
  CHECK(first("loss=(\\d+)?", "loss=") == "none");
  CHECK(first("(?:a|b)=(?P<v>\\d+)", "b=7") == "7.000000");
  CHECK(first("=(\\d+)", "\xff\xfe=7") == "7.000000");
}

TEST_CASE("metric search: #011 finds a TAB and itself", "[run][training_job]") {
  const std::string regex = ".*\\[[0-9]+\\].*#011validation-rmse:(\\S+)";
  CHECK(first(regex, "[3]\ttrain-rmse:0.5\tvalidation-rmse:0.625") == "0.625000");
  CHECK(first(regex, "[3]#011train-rmse:0.5#011validation-rmse:0.625") == "0.625000");
}

TEST_CASE("metric search: the definitions of every built-in compile", "[run][training_job]") {
  for (const job::Algorithm* algorithm : algos::all()) {
    for (const job::MetricSpec& m : algorithm->description().metrics) {
      CAPTURE(m.regex);
      CHECK(MetricSearch::problem_of(m.regex).empty());
    }
  }
}

TEST_CASE("metric search: a hostile expression takes linear time", "[run][training_job]") {
  const std::string line(200000, 'a');
  const auto start = std::chrono::steady_clock::now();
  CHECK(first("(a*)*(a*)*(a*)*b", line) == "none");
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
  CHECK_FALSE(MetricSearch::problem_of("((a{1000}){1000})").empty());
}
