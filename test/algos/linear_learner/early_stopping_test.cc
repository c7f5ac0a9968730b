#include "algos/linear_learner/early_stopping.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

namespace smtrain::linear {
namespace {

// The epoch that is the last, or -1 when none is.
std::int64_t stops_after(EarlyStopping& stopping, const std::vector<double>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    stopping.improves(values[i]);
    if (stopping.stops()) return static_cast<std::int64_t>(i);
  }
  return -1;
}

TEST_CASE("linear-learner early stopping: with patience 3 the fourth flat epoch is the last", "[algos][linear]") {
  EarlyStopping stopping(3, 0.001, false);
  CHECK(stops_after(stopping, {1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.1}) == 5);
  CHECK(stopping.best_epoch() == 1);
  CHECK(stopping.best() == 0.5);
  EarlyStopping hasty(1, 0.001, false);
  CHECK(stops_after(hasty, {1.0, 1.0, 1.0, 0.1}) == 2);
}

TEST_CASE("linear-learner early stopping: the tolerance is relative to the best, and reached counts", "[algos][linear]") {
  EarlyStopping stopping(3, 0.25, false);
  CHECK(stopping.improves(100));
  CHECK(stopping.improves(75));
  CHECK_FALSE(stopping.improves(57));
  CHECK(stopping.flat_epochs() == 1);
  CHECK(stopping.improves(42));
  CHECK(stopping.flat_epochs() == 0);
  CHECK(stopping.best_epoch() == 3);
}

TEST_CASE("linear-learner early stopping: small gains lower the best without counting", "[algos][linear]") {
  // Each is 0.4 % lower than the one before: measured against the first, the third would count.
  EarlyStopping stopping(3, 0.005, false);
  CHECK(stops_after(stopping, {1.0, 0.996, 0.992, 0.988, 0.984}) == 4);
  CHECK(stopping.best() == 0.984);
  CHECK(stopping.best_epoch() == 0);
}

TEST_CASE("linear-learner early stopping: a criterion to maximise", "[algos][linear]") {
  EarlyStopping stopping(2, 0.01, true);
  CHECK(stopping.improves(0));
  CHECK(stopping.improves(0.5));
  CHECK_FALSE(stopping.improves(0.504));
  CHECK_FALSE(stopping.improves(0.2));
  CHECK(stopping.best() == 0.504);
  CHECK(stopping.improves(0.6));
  CHECK_FALSE(stopping.stops());
}

TEST_CASE("linear-learner early stopping: a loss of 0 cannot be improved, and no number is no improvement", "[algos][linear]") {
  EarlyStopping stopping(1, 0.001, false);
  CHECK_FALSE(stopping.improves(std::nan("")));
  CHECK(stopping.best_epoch() == -1);
  CHECK(stopping.improves(0));
  CHECK_FALSE(stopping.improves(0));
  CHECK_FALSE(stopping.improves(INFINITY));
  CHECK(stopping.stops());
}

TEST_CASE("linear-learner early stopping: a state that was saved goes on the same way", "[algos][linear]") {
  const std::vector<double> values{3, 2, 2.5, 2.4, 1.9, 1.9, 1.9, 1.9, 1.9};
  EarlyStopping whole(3, 0.001, false);
  for (const double value : values) whole.improves(value);
  for (std::size_t cut = 0; cut <= values.size(); ++cut) {
    EarlyStopping first(3, 0.001, false), second(3, 0.001, false);
    for (std::size_t i = 0; i < cut; ++i) first.improves(values[i]);
    job::State state;
    first.save(state);
    second.restore(state);
    for (std::size_t i = cut; i < values.size(); ++i) second.improves(values[i]);
    CHECK(second.stops() == whole.stops());
    CHECK(second.best() == whole.best());
    CHECK(second.best_epoch() == whole.best_epoch());
    CHECK(second.flat_epochs() == whole.flat_epochs());
  }
}

}  // namespace
}  // namespace smtrain::linear
