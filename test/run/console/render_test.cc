#include "run/console/render.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>
#include <regex>

#include "run/console/progress_bar.h"

namespace smtrain::run {
namespace {

using Catch::Contains;

const job::Quality kTestMsd{"test", "msd", 9.125, true, std::nullopt, std::nullopt};

job::IteratorStats iterator_stats() {
  job::IteratorStats s;
  s.meta = "training_data_iter";
  s.epoch = 0;
  s.total_records = 60000;
  s.total_batches = 120;
  s.max_records_between_resets = 60000;
  s.max_batches_between_resets = 120;
  s.resets = 1;
  s.records_since_reset = 60000;
  s.batches_since_reset = 120;
  s.start_time = 1700000004.0;
  return s;
}

std::unique_ptr<Renderer> service_log() {
  ConsoleOptions options;
  options.algorithm_log_name = "AWS/KMeansWebscale";
  return make_sagemaker_renderer(options);
}

// What stands behind the prefix "[11/14/2023 22:13:20 INFO 140201530988352] ".
std::string behind_prefix(const std::string& line) {
  static const std::regex kPrefix(R"(\[\d\d/\d\d/\d{4} \d\d:\d\d:\d\d (DEBUG|INFO|WARNING|ERROR) \d+\] ([^\n]*)\n)");
  std::smatch match;
  REQUIRE(std::regex_match(line, match, kPrefix));
  return match[2];
}

nlohmann::json behind_metrics(const std::string& line) {
  REQUIRE(line.rfind("#metrics {", 0) == 0);
  REQUIRE(line.substr(line.size() - 2) == "\n\n");
  return nlohmann::json::parse(line.substr(9));
}

}  // namespace

TEST_CASE("render: the service's lines, comma for comma, on standard output", "[run][render]") {
  const auto log = service_log();
  CHECK(behind_prefix(log->quality(kTestMsd).out) == "#quality_metric: host=algo-1, test msd <loss>=9.125");
  CHECK(behind_prefix(log->quality({"validation", "accuracy", 0.5, false, 4, std::nullopt}).out) ==
        "#quality_metric: host=algo-1, epoch=4, validation accuracy <score>=0.5");
  CHECK(behind_prefix(log->quality({"train", "rmse", 0.8413, true, 0, 0}).out) ==
        "#quality_metric: host=algo-1, epoch=0, batch=0 train rmse <loss>=0.8413");
  CHECK(behind_prefix(log->throughput(53642.25, 0).out) == "#throughput_metric: host=algo-1, train throughput=53642.250000 records/second");
  CHECK(behind_prefix(log->epochs_completed(1, 20).out) == "#progress_metric: host=algo-1, completed 5.0 % of epochs");
  CHECK(behind_prefix(log->log(Level::info, "arguments").out) == "arguments");
  CHECK(behind_prefix(log->service("Final configuration: {}").out) == "Final configuration: {}");
  CHECK(log->quality(kTestMsd).err.empty());
}

TEST_CASE("render: an error is in the service's log and on standard error", "[run][render]") {
  const Rendered r = service_log()->error("train.csv:2: column 2: \"x\" is not a number");
  CHECK(behind_prefix(r.out) == "train.csv:2: column 2: \"x\" is not a number");
  CHECK_THAT(r.out, Contains(" ERROR "));
  CHECK(r.err == "smtrain: error: train.csv:2: column 2: \"x\" is not a number\n");
}

TEST_CASE("render: a stop is told in every format, and is no error", "[run][render]") {
  const std::string words = "stopped: SIGTERM; ck/checkpoint-000001 written";
  const Rendered service = service_log()->stopped(words);
  CHECK(behind_prefix(service.out) == words);
  CHECK_THAT(service.out, !Contains("ERROR"));
  CHECK(service.err == "smtrain: " + words + "\n");
  CHECK(make_text_renderer(true, false)->stopped(words).err == "smtrain: " + words + "\n");
  const Rendered json = make_json_renderer()->stopped(words);
  CHECK(json.out.empty());
  CHECK(nlohmann::json::parse(json.err)["message"] == words);
  CHECK(nlohmann::json::parse(json.err)["level"] == "warning");
}

TEST_CASE("render: #metrics lines hold the documented members", "[run][render]") {
  const auto log = service_log();
  const nlohmann::json records = behind_metrics(log->iterator(iterator_stats()).out);
  CHECK(records["StartTime"] == 1700000004.0);
  CHECK(records["EndTime"].is_number_float());
  CHECK(records["Dimensions"] == nlohmann::json::parse(R"({"Algorithm": "AWS/KMeansWebscale", "Host": "algo-1", "Operation": "training",
                                                           "epoch": 0, "Meta": "training_data_iter"})"));
  CHECK(records["Metrics"].size() == 7);
  CHECK(records["Metrics"]["Total Records Seen"] == nlohmann::json::parse(R"({"sum": 60000.0, "count": 1, "min": 60000, "max": 60000})"));
  CHECK(records["Metrics"]["Number of Batches Since Last Reset"]["max"] == 120);

  Timing update;
  update.add(2.5);
  update.add(7.5);
  const nlohmann::json times = behind_metrics(log->timings({{"update.time", update}}, 3, 1700000000.125).out);
  CHECK(times["Dimensions"]["epoch"] == 3);
  CHECK(times["Metrics"]["update.time"] == nlohmann::json::parse(R"({"sum": 10.0, "count": 2, "min": 2.5, "max": 7.5})"));
}

TEST_CASE("render: for machines every line of standard output is JSON; what is not finite is left out", "[run][render]") {
  const auto json = make_json_renderer();
  const nlohmann::json msd = nlohmann::json::parse(json->quality(kTestMsd).out);
  CHECK(msd["metric"] == "test:msd");
  CHECK(msd["value"] == 9.125);
  CHECK(nlohmann::json::parse(json->throughput(10.5, 2).out)["epoch"] == 2);
  CHECK(nlohmann::json::parse(json->iterator(iterator_stats()).out)["total"] == 60000);
  CHECK(json->quality({"test", "msd", NAN, true, std::nullopt, std::nullopt}).out.empty());
  const Rendered warning = json->log(Level::warning, "a \"quoted\"\nline");
  CHECK(warning.out.empty());
  CHECK(nlohmann::json::parse(warning.err)["message"] == "a \"quoted\"\nline");
  CHECK(nlohmann::json::parse(warning.err)["level"] == "warning");
}

TEST_CASE("render: for people nothing goes to standard output, and colour only where it is wanted", "[run][render]") {
  for (bool color : {false, true}) {
    const auto text = make_text_renderer(color, false);
    text->epochs_completed(2, 10);
    for (const Rendered& r : {text->quality(kTestMsd), text->throughput(1234567, 1), text->log(Level::warning, "w"), text->error("e")}) {
      CHECK(r.out.empty());
      CHECK((r.err.find('\033') != std::string::npos) == color);
    }
  }
  const auto text = make_text_renderer(false, false);
  text->epochs_completed(2, 10);
  CHECK_THAT(text->throughput(1234567, 1).err, Contains("epoch 2 of 10, 1,234,567 rows/s"));
  CHECK_THAT(text->quality(kTestMsd).err, Contains("test:msd 9.125"));
  CHECK(text->error("e").err == "smtrain: error: e\n");
}

TEST_CASE("progress: rate and time left; a bar on terminals only", "[run][progress]") {
  const job::Progress half{"epoch 1/2", 0.5, 1000000, 38.5};
  CHECK(ProgressBar::line(half, 10, true) == "epoch 1/2 [############------------]  50%  100,000 rows/s  loss 38.5  0:10 left");
  CHECK(ProgressBar::line(half, 10, false) == "epoch 1/2  50%  100,000 rows/s  loss 38.5  0:10 left");
  CHECK(ProgressBar::line({"epoch 1/1", -1, 500, std::nullopt}, 1, true) == "epoch 1/1  500 rows/s");
  ProgressBar plain(false);
  CHECK(plain.update(half).empty());  // nothing is due in the first 30 seconds
  CHECK(plain.clear().empty());
}

}  // namespace smtrain::run
