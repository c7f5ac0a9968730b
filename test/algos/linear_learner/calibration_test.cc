#include "algos/linear_learner/calibration.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "base/error.h"
#include "dist/thread_transport.h"

namespace smtrain::linear {
namespace {

using Catch::Matchers::Contains;

// Raw scores of hinge_loss are answers as they are.
CalibrationRows rows_of(const std::vector<float>& labels, const std::string& channel) {
  return {labels.size(), static_cast<std::uint64_t>(std::count(labels.begin(), labels.end(), 1.0f)), channel};
}

CalibrationSample sample_of(const std::vector<std::vector<float>>& models, const std::vector<float>& labels,
                            Loss loss = Loss::hinge_loss) {
  CalibrationSample sample(loss, models.size(), 1000000);
  std::vector<float> scores(models.size() * labels.size());
  for (std::size_t m = 0; m < models.size(); ++m) {
    for (std::size_t i = 0; i < labels.size(); ++i) scores[i * models.size() + m] = models[m][i];
  }
  sample.add(scores.data(), labels.size(), models.size(), labels.data());
  return sample;
}

Target target(Criterion criterion) {
  Target t;
  t.criterion = criterion;
  return t;
}

Verdict only(const std::vector<float>& scores, const std::vector<float>& labels, const Target& t, Loss loss = Loss::hinge_loss) {
  const double objective = 1;
  return calibrate(sample_of({scores}, labels, loss), t, {&objective, 1}, 1).at(0);
}

TEST_CASE("linear-learner calibration: accuracy by hand, the threshold half way between neighbours", "[algos][linear]") {
  //                            0    0    1    0    1    1
  const std::vector<float> f{0.1f, 0.2f, 0.3f, 0.4f, 0.6f, 0.8f}, y{0, 0, 1, 0, 1, 1};
  const Verdict v = only(f, y, target(Criterion::accuracy));
  CHECK(v.value == Approx(5.0 / 6));
  CHECK(v.threshold == Approx(0.5));  // 0.25 is as good, and further from 0.5
  CHECK(v.feasible);
}

TEST_CASE("linear-learner calibration: everything and nothing may be labelled 1", "[algos][linear]") {
  const std::vector<float> f{0.2f, 0.4f, 0.6f};
  CHECK(only(f, {1, 1, 1}, target(Criterion::accuracy)).threshold == Approx(-0.8));
  CHECK(only(f, {0, 0, 0}, target(Criterion::accuracy)).threshold == Approx(1.6));
  // Probabilities leave half of what there is beyond them.
  const Verdict all = only({0, 1, 2}, {1, 1, 1}, target(Criterion::accuracy), Loss::logistic);
  CHECK(all.threshold == Approx(0.25));
  CHECK(all.value == 1);
  const Verdict none = only({0, 1, 100}, {0, 0, 0}, target(Criterion::accuracy), Loss::logistic);
  CHECK(none.value == 1);
  CHECK(none.threshold > 1);  // where σ(100) is 1
  CHECK_FALSE(is_positive(answer_of(Loss::logistic, 100), none.threshold));
}

TEST_CASE("linear-learner calibration: equal answers stay on one side", "[algos][linear]") {
  const std::vector<float> f{0.5f, 0.5f, 0.5f, 0.9f}, y{0, 0, 1, 1};
  const Verdict v = only(f, y, target(Criterion::accuracy));
  CHECK(v.value == 0.75);
  CHECK(v.threshold == Approx(0.7));
}

// ---- against every threshold, tried one by one ----------------------------------------------------------------------------

struct Tried {
  double precision = 0, recall = 0, accuracy = 0, f = 0;
};

Tried try_threshold(const std::vector<float>& f, const std::vector<float>& y, double threshold, double beta) {
  double tp = 0, fp = 0, fn = 0, tn = 0;
  for (std::size_t i = 0; i < f.size(); ++i) (f[i] >= threshold ? (y[i] == 1 ? tp : fp) : (y[i] == 1 ? fn : tn)) += 1;
  Tried t;
  t.precision = tp + fp > 0 ? tp / (tp + fp) : 0;
  t.recall = tp + fn > 0 ? tp / (tp + fn) : 0;
  t.accuracy = (tp + tn) / static_cast<double>(f.size());
  const double b2 = beta * beta, below = b2 * t.precision + t.recall;
  t.f = below > 0 ? (1 + b2) * t.precision * t.recall / below : 0;
  return t;
}

TEST_CASE("linear-learner calibration: no other threshold is better, whatever the criterion", "[algos][linear]") {
  std::mt19937 random(11);
  for (int round = 0; round < 30; ++round) {
    const unsigned values = round % 3 == 0 ? 7 : 1000;
    std::vector<float> f(80), y(80);
    for (std::size_t i = 0; i < f.size(); ++i) {
      f[i] = static_cast<float>(random() % values) / static_cast<float>(values);
      y[i] = static_cast<float>(random()) / 4.3e9f < f[i] * 0.7f ? 1.0f : 0.0f;
    }
    Target t;
    t.beta = 0.5 + round % 4;
    t.target_recall = 0.7;
    t.target_precision = 0.55;
    for (Criterion criterion : {Criterion::accuracy, Criterion::f_beta, Criterion::f1, Criterion::precision_at_target_recall,
                                Criterion::recall_at_target_precision}) {
      t.criterion = criterion;
      INFO(name_of(criterion) << " round " << round);
      const double beta = criterion == Criterion::f1 ? 1 : t.beta;
      const auto value = [&](const Tried& tried) {
        switch (criterion) {
          case Criterion::accuracy: return tried.accuracy;
          case Criterion::precision_at_target_recall: return tried.recall >= t.target_recall ? tried.precision : -1;
          case Criterion::recall_at_target_precision: return tried.precision >= t.target_precision ? tried.recall : -1;
          default: return tried.f;
        }
      };
      const Verdict v = only(f, y, t);
      const double reached = value(try_threshold(f, y, v.threshold, beta));
      double best = -1;
      for (int k = -1; k <= 2002; ++k) best = std::max(best, value(try_threshold(f, y, k / 2000.0, beta)));
      CHECK(v.feasible == (best >= 0));
      if (best < 0) continue;
      CHECK(v.value == Approx(reached).epsilon(1e-12));
      CHECK(v.value == Approx(best).epsilon(1e-12));
    }
  }
}

TEST_CASE("linear-learner calibration: where the target is out of reach the nearest threshold is taken", "[algos][linear]") {
  const std::vector<float> f{0.1f, 0.3f, 0.5f, 0.7f, 0.9f}, y{1, 0, 1, 1, 0};
  Target t = target(Criterion::recall_at_target_precision);
  t.target_precision = 0.9;
  const Verdict v = only(f, y, t);  // precision from above: 0, 0, 1/2, 2/3, 1/2, 3/5
  CHECK_FALSE(v.feasible);
  CHECK(v.side == Approx(2.0 / 3));
  CHECK(v.value == Approx(2.0 / 3));
  CHECK(v.threshold == Approx(0.4));
  const std::vector<std::string> warnings = cautions(rows_of(y, "validation"), t, v);
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], Contains("no threshold reaches target_precision 0.9 on the 5 rows of validation") &&
                              Contains("3 of them with label 1") && Contains("precision 0.6667"));
}

TEST_CASE("linear-learner calibration: warnings say on how many positives a threshold rests", "[algos][linear]") {
  const std::vector<float> f{0.1f, 0.9f}, y{0, 1};
  const Target t = target(Criterion::precision_at_target_recall);
  const std::vector<std::string> few = cautions(rows_of(y, "train"), t, only(f, y, t));
  REQUIRE(few.size() == 1);
  CHECK_THAT(few[0], Contains("target_recall 0.8") && Contains("2 rows of train") && Contains("1 of them with label 1"));
  CHECK(cautions(rows_of(y, "train"), target(Criterion::accuracy), only(f, y, target(Criterion::accuracy))).empty());
  const std::vector<std::string> one = cautions(rows_of({0, 0}, "validation"), t, only(f, {0, 0}, t));
  REQUIRE(one.size() == 1);
  CHECK_THAT(one[0], Contains("all 2 rows of validation have label 0"));
}

// ---- models ---------------------------------------------------------------------------------------------------------------

TEST_CASE("linear-learner calibration: the better value wins, then the lower objective, then the lower index",
          "[algos][linear]") {
  const std::vector<float> y{0, 0, 1, 1}, good{0, 0.1f, 0.8f, 0.9f}, bad{0.9f, 0.1f, 0.2f, 0.9f};
  const Target t = target(Criterion::accuracy);
  const auto best = [&](const std::vector<std::vector<float>>& models, const std::vector<double>& objectives) {
    return best_model(t, calibrate(sample_of(models, y), t, objectives, 2));
  };
  CHECK(best({bad, good}, {0.1, 0.9}) == 1);
  CHECK(best({good, good, good}, {0.5, 0.3, 0.3}) == 1);
  CHECK(best({good, good}, {0.5, 0.5}) == 0);
  // A model whose loss is no number is out, however good it looks.
  CHECK(best({good, bad}, {std::nan(""), 0.9}) == 1);
  CHECK_THROWS_WITH(best({good, bad}, {std::nan(""), INFINITY}), Contains("lower learning_rate"));
}

TEST_CASE("linear-learner calibration: a model that meets the target wins over one that does not", "[algos][linear]") {
  const std::vector<float> y{1, 0, 1, 1};
  const std::vector<float> misses{0.2f, 0.9f, 0.5f, 0.6f};  // precision at most 3/4, with all the recall
  const std::vector<float> meets{0.1f, 0.2f, 0.15f, 0.9f};  // precision 1 with a third of it
  Target t = target(Criterion::recall_at_target_precision);
  t.target_precision = 0.95;
  const auto verdicts = calibrate(sample_of({misses, meets}, y), t, std::vector<double>{0.1, 0.2}, 1);
  CHECK_FALSE(verdicts[0].feasible);
  CHECK(verdicts[1].feasible);
  CHECK(verdicts[0].value > verdicts[1].value);
  CHECK(best_model(t, verdicts) == 1);
  // Of two that miss it, that which comes nearer.
  const std::vector<float> worse{0.1f, 0.9f, 0.2f, 0.15f};
  const auto both = calibrate(sample_of({worse, misses}, {1, 0, 0, 1}), t, std::vector<double>{0.1, 0.2}, 1);
  CHECK(best_model(t, both) == (both[1].side > both[0].side ? 1u : 0u));
}

TEST_CASE("linear-learner calibration: loss_function takes the lowest objective and the natural threshold", "[algos][linear]") {
  const Target t = target(Criterion::loss_function);
  CHECK_FALSE(t.maximizes());
  const auto verdicts = calibrate(sample_of({{0.1f, 0.2f}, {0.3f, 0.4f}}, {0, 1}), t, std::vector<double>{0.7, 0.6}, 1);
  CHECK(verdicts[0].threshold == 0.5);
  CHECK(verdicts[1].value == 0.6);
  CHECK(best_model(t, verdicts) == 1);
  CHECK(best_model({}, judge(std::vector<double>{3, 2, 2})) == 1);
}

TEST_CASE("linear-learner calibration: threads change no bit", "[algos][linear]") {
  std::mt19937 random(12);
  std::normal_distribution<float> normal;
  std::vector<std::vector<float>> models(9, std::vector<float>(500));
  std::vector<float> y(500);
  for (float& label : y) label = random() % 2 == 0 ? 1.0f : 0.0f;
  for (auto& scores : models) for (std::size_t i = 0; i < 500; ++i) scores[i] = normal(random) + y[i];
  const std::vector<double> objectives(9, 0.5);
  const CalibrationSample sample = sample_of(models, y, Loss::logistic);
  const auto one = calibrate(sample, target(Criterion::f1), objectives, 1),
             four = calibrate(sample, target(Criterion::f1), objectives, 4);
  for (std::size_t m = 0; m < 9; ++m) {
    CHECK(one[m].threshold == four[m].threshold);
    CHECK(one[m].value == four[m].value);
  }
}

TEST_CASE("linear-learner calibration: the sample holds the first rows, and no more than it may", "[algos][linear]") {
  CalibrationSample sample(Loss::hinge_loss, 2, 3);
  const std::vector<float> scores{1, 10, -1, 2, 20, -1, 3, 30, -1, 4, 40, -1}, labels{1, 0, 1, 1};
  sample.add(scores.data(), 2, 3, labels.data());
  CHECK_FALSE(sample.full());
  sample.add(scores.data() + 6, 2, 3, labels.data() + 2);
  CHECK(sample.full());
  CHECK(sample.rows() == 3);
  CHECK(sample.positives() == 2);
  CHECK(std::vector<float>(sample.answers(1).begin(), sample.answers(1).end()) == std::vector<float>{10, 20, 30});
  sample.add(scores.data(), 1, 3, labels.data());
  CHECK(sample.rows() == 3);
  sample.clear();
  CHECK(sample.rows() == 0);
  CHECK(CalibrationSample::rows_within(1 << 20, 32, 2) * (4 * 32 + 1) < (1 << 20));
  CHECK(CalibrationSample::rows_within(0, 32, 2) == 1);
}

TEST_CASE("linear-learner calibration: every process sees the rows of all, up to the capacity", "[algos][linear]") {
  test::on_ranks(3, [](dist::Group& group) {
    CalibrationSample sample(Loss::hinge_loss, 2, 5);
    const auto rank = static_cast<float>(group.rank());
    const std::vector<float> scores{rank, 10 * rank, rank + 0.5f, 10 * rank + 5}, labels{1, group.rank() == 1 ? 1.0f : 0.0f};
    sample.add(scores.data(), 2, 2, labels.data());
    sample.gather(group);
    const std::vector<float> first(sample.answers(0).begin(), sample.answers(0).end());
    const std::vector<float> second(sample.answers(1).begin(), sample.answers(1).end());
    const std::vector<std::uint8_t> all(sample.labels().begin(), sample.labels().end());
    if (first != std::vector<float>{0, 0.5f, 1, 1.5f, 2} || second != std::vector<float>{0, 5, 10, 15, 20} ||
        all != std::vector<std::uint8_t>{1, 0, 1, 1, 1} || sample.positives() != 4) {
      throw std::runtime_error("another sample");
    }
  });
}

TEST_CASE("linear-learner calibration: the criterion is named as in the service's log", "[algos][linear]") {
  CHECK(criterion_name(target(Criterion::accuracy), Loss::logistic) == "sampled_accuracy");
  CHECK(criterion_name({}, Loss::squared_loss) == "mse_objective");
  Params p;
  p.predictor_type = PredictorType::regressor;
  p.criterion = Criterion::f1;
  CHECK(target_of(p).criterion == Criterion::loss_function);
}

}  // namespace
}  // namespace smtrain::linear
