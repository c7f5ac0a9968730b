#include "algos/xgboost/boosting.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "algos/test_context.h"
#include "algos/xgboost/engine_parameters.h"
#include "algos/xgboost/folds.h"
#include "base/error.h"

namespace smtrain::xgboost {
namespace {

using test::TestContext;
using Names = std::map<std::string, std::string>;

struct Data {
  DMatrix train, validation;
};

DMatrix draw(const Library& library, std::size_t rows, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(rows * 4), labels(rows);
  for (float& x : values) x = normal(engine);
  for (std::size_t i = 0; i < rows; ++i) labels[i] = values[4 * i] + values[4 * i + 1] * values[4 * i + 2] + 0.5f * normal(engine) > 0 ? 1.0f : 0.0f;
  DMatrix matrix = DMatrix::dense(library, values, 4, 1);
  matrix.set_floats("label", labels);
  return matrix;
}

// A run of one model; `at` > 0: broken there, saved, and gone on with by other objects.
struct Run {
  std::string model;
  std::vector<std::string> lines;
  std::int64_t kept = 0;
};

Run run(Names values, std::int64_t at = 0, const std::string* start = nullptr) {
  values.emplace("num_round", "12");
  values.emplace("objective", "binary:logistic");
  std::vector<job::Given> given;
  for (const auto& [name, text] : values) given.push_back({name, text, "flag"});
  NullLog log;
  const job::Table table = hyperparameters();
  const job::Settings settings = job::resolve(table, given, log);
  const Params params = settings.as<Params>();
  const Library& library = Library::open();
  BoostingPlan plan{library, params, engine_parameters(library, params, settings, {.threads = 2, .seed = 3}, log)};
  if (start != nullptr) plan.start = *start;
  TestContext context({});
  job::State state;
  const auto go = [&](std::int64_t until, bool resume) {
    const Data data{draw(library, 400, 1), draw(library, 200, 2)};
    Boosting boosting(plan, {{"train", &data.train}, {"validation", &data.validation}}, context);
    if (resume) boosting.restore(state);
    while (!boosting.done() && boosting.rounds() != until) boosting.step();
    boosting.save(state);
    return Run{boosting.model(), context.metrics_kept.lines, boosting.kept_rounds()};
  };
  if (at > 0) go(at, false);
  return go(-1, at > 0);
}

TEST_CASE("xgboost: a run that is broken and gone on with ends in the same bytes") {
  const Names cases[] = {{},
                         {{"subsample", "0.5"}, {"colsample_bylevel", "0.5"}},
                         {{"tree_method", "hist"}, {"subsample", "0.7"}, {"num_parallel_tree", "2"}},
                         {{"tree_method", "approx"}, {"subsample", "0.6"}},
                         {{"tree_method", "hist"}, {"subsample", "0.6"}},
                         {{"booster", "dart"}, {"rate_drop", "0.4"}, {"one_drop", "1"}},
                         {{"booster", "gblinear"}},
                         {{"early_stopping_rounds", "3"}, {"eta", "0.9"}, {"eval_metric", "error,logloss"}},
                         {{"booster", "dart"}, {"rate_drop", "0.4"}, {"early_stopping_rounds", "2"}, {"eta", "0.9"}},
                         {{"eval_metric", "f1,accuracy"}, {"early_stopping_rounds", "2"}, {"tree_method", "hist"}}};
  for (const Names& values : cases) {
    const Run whole = run(values);
    for (const std::int64_t at : {1, 4, 11}) {
      const Run broken = run(values, at);
      std::string what;
      for (const auto& [name, text] : values) what += name + "=" + text + " ";
      CAPTURE(at, what);
      CHECK(broken.model == whole.model);
      CHECK(broken.lines == whole.lines);
    }
  }
}

TEST_CASE("xgboost: updating trees is broken and gone on with, too") {
  const Run grown = run({});
  const Names values{{"process_type", "update"}, {"updater", "refresh"}, {"num_round", "10"}};
  const Run whole = run(values, 0, &grown.model), broken = run(values, 4, &grown.model);
  CHECK(whole.model != grown.model);
  CHECK(broken.model == whole.model);
}

TEST_CASE("xgboost: early stopping cuts the model behind the best round") {
  const Run stopped = run({{"early_stopping_rounds", "2"}, {"eta", "1"}, {"num_round", "200"}});
  REQUIRE(stopped.kept > 0);
  CHECK(stopped.lines.size() == static_cast<std::size_t>(stopped.kept) + 2);
  Booster booster(Library::open());
  booster.load(stopped.model);
  CHECK(booster.rounds() == stopped.kept);
  CHECK(stopped.model == run({{"eta", "1"}, {"num_round", std::to_string(stopped.kept)}}).model);
}

TEST_CASE("xgboost: six rounds and six more are twelve") {
  const Run six = run({{"num_round", "6"}, {"tree_method", "hist"}});
  CHECK(run({{"num_round", "6"}, {"tree_method", "hist"}}, 0, &six.model).model == run({{"tree_method", "hist"}}).model);
}

TEST_CASE("xgboost: lines and scores are read from the engine's") {
  const Watched watched[] = {{"train", nullptr}, {"validation", nullptr}};
  const auto scores = read_engine_line("[3]\ttrain-ndcg@5:0.25\tvalidation-ndcg@5:nan\tvalidation-cox-nloglik:1e-07", watched);
  REQUIRE(scores.size() == 3);
  CHECK(scores[0].metric == "ndcg@5");
  CHECK(scores[0].value == 0.25);
  CHECK(std::isnan(scores[1].value));
  CHECK(scores[2].channel == "validation");
  CHECK(scores[2].metric == "cox-nloglik");
  CHECK(evaluation_line(3, scores) == "[3]\ttrain-ndcg@5:0.25000\tvalidation-ndcg@5:nan\tvalidation-cox-nloglik:0.00000");
}

TEST_CASE("xgboost: artifacts are known by their first bytes") {
  const Run made = run({{"num_round", "2"}});
  Booster booster(Library::open());
  booster.load(made.model);
  CHECK(kind_of(booster.save("ubj")) == ModelKind::ubjson);
  CHECK(kind_of(booster.save("json")) == ModelKind::json);
  CHECK(kind_of(booster.save("deprecated")) == ModelKind::binary);
  CHECK(kind_of("\x80\x04\x95 a pickle") == ModelKind::pickle);
  CHECK(kind_of("label,1,2") == ModelKind::unknown);
  for (const char* format : {"ubj", "json", "deprecated"}) {
    CHECK(load_booster(Library::open(), booster.save(format), "xgboost-model").rounds() == 2);
  }
  CHECK_THROWS_WITH(load_booster(Library::open(), "\x80\x04\x95 binf", "xgboost-model"),
                    Catch::Contains("xgboost-model: is a Python pickle") && Catch::Contains("begin at 4"));
}

}  // namespace
}  // namespace smtrain::xgboost
