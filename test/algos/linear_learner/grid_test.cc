#include "algos/linear_learner/grid.h"

#include <catch2/catch.hpp>
#include <set>

namespace smtrain::linear {
namespace {

using Catch::Matchers::Contains;

using Key = std::tuple<double, double, double, std::int64_t, double>;
Key key(const GridPoint& p) { return {p.wd, p.learning_rate, p.lr_scheduler_minimum_lr, p.lr_scheduler_step, p.positive_weight}; }

std::size_t distinct(const Grid& grid) {
  std::set<Key> keys;
  for (const GridPoint& p : grid.points) keys.insert(key(p));
  return keys.size();
}

TEST_CASE("linear-learner grid: automatic is 32 models in the order of the service's logs", "[algos][linear]") {
  const Grid grid = make_grid({}, {});
  REQUIRE(grid.points.size() == 32);
  CHECK(distinct(grid) == 32);
  const double wd[] = {1e-4, 1e-2, 1, 100}, rate[] = {0.005, 0.1}, minimum[] = {1e-5, 1e-4};
  const std::int64_t step[] = {10, 100};
  for (std::size_t i = 0; i < 32; ++i) {
    INFO(i);
    CHECK(key(grid.points[i]) == Key{wd[i / 8], rate[i / 4 % 2], minimum[i / 2 % 2], step[i % 2], 1.0});
    CHECK(grid.points[i].l1 == 0);
    CHECK(grid.points[i].lr_scheduler_factor == 0.99);
    CHECK(grid.points[i].bias_lr_mult == 10);
  }
  CHECK(grid.warnings.empty());
}

TEST_CASE("linear-learner grid: a value that is given drops its axis", "[algos][linear]") {
  Params p;
  p.wd = 0.5;
  p.l1 = 0.25;
  Grid grid = make_grid(p, {});
  CHECK(grid.points.size() == 8);
  for (const GridPoint& point : grid.points) {
    CHECK(point.wd == 0.5);
    CHECK(point.l1 == 0.25);
  }
  p.use_lr_scheduler = false;
  grid = make_grid(p, {});
  CHECK(grid.points.size() == 2);
  CHECK(grid.points[0].lr_scheduler_step == 0);
  p.learning_rate = 0.3;
  CHECK(make_grid(p, {}).points.size() == 1);
}

TEST_CASE("linear-learner grid: one model takes the values that auto replaced", "[algos][linear]") {
  Params p;
  p.num_models = 1;
  const GridPoint one = make_grid(p, {}).points.at(0);
  CHECK(key(one) == Key{0.0, 0.005, 1e-5, 100, 1.0});
  CHECK(one.beta_1 == 0.9);
  CHECK(one.beta_2 == 0.999);
  CHECK(one.bias_wd_mult == 0);
  p.optimizer = Optimizer::sgd;
  CHECK(make_grid(p, {}).points.at(0).learning_rate == 0.01);
  p.momentum = 0.7;
  p.wd = 3;
  CHECK(make_grid(p, {}).points.at(0).momentum == 0.7);
  CHECK(make_grid(p, {}).points.at(0).wd == 3);
}

TEST_CASE("linear-learner grid: tuning trains one model whatever num_models says", "[algos][linear]") {
  Params p;
  p.num_models = 7;
  p.tuning_objective_metric = "validation:objective_loss";
  CHECK(make_grid(p, {}).points.size() == 1);
  p.num_models.reset();
  CHECK(make_grid(p, {}).points.size() == 1);
  CHECK(make_grid(p, {}).points[0].wd == 0);
}

TEST_CASE("linear-learner grid: m models begin with the default point", "[algos][linear]") {
  Params p;
  p.num_models = 5;
  const Grid grid = make_grid(p, {});
  REQUIRE(grid.points.size() == 5);
  CHECK(key(grid.points[0]) == Key{1e-4, 0.005, 1e-5, 100, 1.0});
  CHECK(key(grid.points[1]) == Key{1e-4, 0.1, 1e-5, 100, 1.0});
  CHECK(key(grid.points[2]) == Key{1e-2, 0.005, 1e-5, 100, 1.0});
  p.num_models = 32;
  std::set<Key> some, automatic;
  for (const GridPoint& point : make_grid(p, {}).points) some.insert(key(point));
  for (const GridPoint& point : make_grid({}, {}).points) automatic.insert(key(point));
  CHECK(some == automatic);
}

TEST_CASE("linear-learner grid: models beyond the grid are drawn within their ranges, always the same", "[algos][linear]") {
  Params p;
  p.num_models = 60;
  const Grid grid = make_grid(p, {}), again = make_grid(p, {});
  REQUIRE(grid.points.size() == 60);
  CHECK(distinct(grid) == 60);
  for (std::size_t i = 0; i < 60; ++i) CHECK(key(grid.points[i]) == key(again.points[i]));
  for (std::size_t i = 32; i < 60; ++i) {
    const GridPoint& point = grid.points[i];
    CHECK((point.wd >= 1e-5 && point.wd <= 1));
    CHECK((point.learning_rate >= 1e-3 && point.learning_rate <= 0.3));
    CHECK((point.lr_scheduler_step >= 10 && point.lr_scheduler_step <= 200));
    CHECK((point.lr_scheduler_factor >= 0.98 && point.lr_scheduler_factor <= 0.999));
  }
  p.wd = 0.125;  // leaves 8 combinations, and does not shift the other draws
  const Grid fixed = make_grid(p, {});
  for (std::size_t i = 0; i < 28; ++i) {
    CHECK(fixed.points[8 + i].wd == 0.125);
    CHECK(fixed.points[8 + i].learning_rate == grid.points[32 + i].learning_rate);
  }
  Params longer = p;
  longer.num_models = 61;
  CHECK(key(make_grid(longer, {}).points[59]) == key(fixed.points[59]));
}

TEST_CASE("linear-learner grid: positive rows are weighed by what the sample holds", "[algos][linear]") {
  Params p;
  p.num_models = 1;
  CHECK_FALSE(needs_label_counts(p));
  p.positive_example_weight_mult = "balanced";
  CHECK(needs_label_counts(p));
  CHECK(make_grid(p, {98, 2}).points[0].positive_weight == 49);
  const Grid none = make_grid(p, {1000, 0});
  CHECK(none.points[0].positive_weight == 1e6);
  REQUIRE(none.warnings.size() == 1);
  CHECK_THAT(none.warnings[0], Contains("none of the first 1,000 rows has label 1"));
  CHECK(make_grid(p, {0, 5}).points[0].positive_weight == 1);
  p.positive_example_weight_mult = "auto";
  CHECK(make_grid(p, {98, 2}).points[0].positive_weight == 7);
  p.num_models.reset();
  const Grid grid = make_grid(p, {98, 2});
  CHECK(grid.points.size() == 96);
  CHECK(distinct(grid) == 96);
  CHECK(grid.points[0].positive_weight == 1);
  CHECK(grid.points[32].positive_weight == 7);
  CHECK(grid.points[95].positive_weight == 49);
  p.predictor_type = PredictorType::regressor;
  CHECK_FALSE(needs_label_counts(p));
  CHECK(make_grid(p, {}).points.size() == 32);
}

TEST_CASE("linear-learner grid: the rate is cut every step and never below the minimum", "[algos][linear]") {
  GridPoint p;
  p.learning_rate = 0.5;
  p.lr_scheduler_factor = 0.5;
  p.lr_scheduler_step = 10;
  p.lr_scheduler_minimum_lr = 0.1;
  CHECK(p.rate(0) == 0.5);
  CHECK(p.rate(9) == 0.5);
  CHECK(p.rate(10) == 0.25);
  CHECK(p.rate(20) == 0.125);
  CHECK(p.rate(30) == 0.1);
  CHECK(p.rate(1000000000) == 0.1);
  p.lr_scheduler_minimum_lr = 0.7;
  CHECK(p.rate(50) == 0.5);
  p.lr_scheduler_minimum_lr = 1e-5;
  p.lr_scheduler_step = 0;
  CHECK(p.rate(12345) == 0.5);
}

TEST_CASE("linear-learner grid: the model that was kept is told as the service tells it", "[algos][linear]") {
  GridPoint p;
  p.wd = 1e-4;
  p.learning_rate = 0.1;
  CHECK(
      chosen_json({}, p) ==
      R"({"lr_scheduler_step": 100, "wd": 0.0001, "optimizer": "adam", "lr_scheduler_factor": 0.99, "l1": 0.0, "learning_rate": 0.1, )"
      R"("lr_scheduler_minimum_lr": 1e-05})");
  Params without;
  without.use_lr_scheduler = false;
  CHECK(chosen(without, p).count("lr_scheduler_step") == 0);
}

}  // namespace
}  // namespace smtrain::linear
