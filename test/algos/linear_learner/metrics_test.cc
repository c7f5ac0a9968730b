#include "algos/linear_learner/metrics.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <random>

#include "algos/linear_learner/ranking.h"
#include "dist/thread_transport.h"

namespace smtrain::linear {
namespace {

using Catch::Matchers::Contains;

// Rows that another language can make, too: the reference values below are of scikit-learn 1.9.1 on the same numbers.
constexpr std::size_t kRows = 200;

std::vector<float> steps() {  // many ties
  std::vector<float> f(kRows);
  for (std::size_t i = 0; i < kRows; ++i)
    f[i] = static_cast<float>(std::round(std::sin(1.7 * static_cast<double>(i)) * 8) / 8 * 3);
  return f;
}

std::vector<float> binary_labels(const std::vector<float>& f) {
  std::vector<float> y(kRows);
  for (std::size_t i = 0; i < kRows; ++i) y[i] = (f[i] > 0.5f) != (i * 7 % 11 < 3) ? 1 : 0;
  return y;
}

std::map<std::string, double> by_name(const std::vector<Score>& scores) {
  std::map<std::string, double> values;
  for (const Score& s : scores) values[s.name] = s.value;
  return values;
}

std::vector<std::string> names(const std::vector<Score>& scores) {
  std::vector<std::string> all;
  for (const Score& s : scores) all.push_back(s.name);
  return all;
}

// In pieces, as a stream brings them.
std::vector<Score> score(const ScoringRule& rule, const std::vector<float>& f, const std::vector<float>& y,
                         std::size_t piece = 64) {
  const auto scorer = make_scorer(rule);
  for (std::size_t first = 0; first < y.size(); first += piece) {
    scorer->add(f.data() + first * rule.classes, std::min(piece, y.size() - first), rule.classes, y.data() + first);
  }
  CHECK(scorer->rows() == y.size());
  std::vector<std::string> warnings;
  const std::vector<Score> scores = scorer->finish(warnings);
  CHECK(warnings.empty());
  return scores;
}

TEST_CASE("linear-learner metrics: two classes, against scikit-learn", "[algos][linear]") {
  const std::vector<float> f = steps(), y = binary_labels(f);
  ScoringRule rule;
  rule.loss.loss = Loss::logistic;
  rule.f_beta = 0.5;
  const std::vector<Score> scores = score(rule, f, y);
  CHECK(names(scores) == std::vector<std::string>{"binary_classification_cross_entropy_objective",
                                                  "binary_classification_accuracy", "binary_f_0.500", "precision", "recall",
                                                  "roc_auc_score"});
  auto s = by_name(scores);
  CHECK(s["binary_classification_cross_entropy_objective"] == Approx(0.713721706636766).epsilon(1e-12));  // log_loss
  CHECK(s["binary_classification_accuracy"] == Approx(0.705).epsilon(1e-12));
  CHECK(s["binary_f_0.500"] == Approx(0.7170542635658915).epsilon(1e-12));
  CHECK(s["precision"] == Approx(0.7184466019417476).epsilon(1e-12));
  CHECK(s["recall"] == Approx(0.7115384615384616).epsilon(1e-12));
  CHECK(s["roc_auc_score"] == Approx(0.7303685897435898).epsilon(1e-12));

  rule.threshold = 0.75;
  s = by_name(score(rule, f, y));
  CHECK(s["binary_classification_accuracy"] == Approx(0.7).epsilon(1e-12));
  CHECK(s["binary_f_0.500"] == Approx(0.7311320754716981).epsilon(1e-12));
  CHECK(s["precision"] == Approx(0.775).epsilon(1e-12));
  CHECK(s["recall"] == Approx(0.5961538461538461).epsilon(1e-12));
}

TEST_CASE("linear-learner metrics: several classes, against scikit-learn", "[algos][linear]") {
  constexpr std::size_t classes = 5;  // of which the last never is a label, and often the answer
  std::vector<float> f(kRows * classes), y(kRows);
  for (std::size_t i = 0; i < kRows; ++i) {
    for (std::size_t c = 0; c < classes; ++c)
      f[i * classes + c] = static_cast<float>(std::sin(1.3 * static_cast<double>(i) + 2.1 * static_cast<double>(c)));
    const std::size_t label = i % 3 != 0 ? best_class({f.data() + i * classes, classes}) : i * i + i / 3;
    y[i] = static_cast<float>(label % 4);
  }
  ScoringRule rule;
  rule.predictor_type = PredictorType::multiclass_classifier;
  rule.loss.loss = Loss::softmax_loss;
  rule.classes = classes;
  rule.top_k = 2;
  rule.f_beta = 2;
  const std::vector<Score> scores = score(rule, f, y);
  CHECK(names(scores) == std::vector<std::string>{"multiclass_cross_entropy_objective", "multiclass_accuracy",
                                                  "multiclass_top_k_accuracy_2", "dcg", "macro_recall", "macro_precision",
                                                  "macro_f_2.000", "multiclass_balanced_accuracy", "multiclass_log_loss"});
  auto s = by_name(scores);
  CHECK(s["multiclass_accuracy"] == Approx(0.66).epsilon(1e-12));
  CHECK(s["multiclass_top_k_accuracy_2"] == Approx(0.705).epsilon(1e-12));
  CHECK(s["dcg"] == Approx(0.8065293109337685).epsilon(1e-12));  // dcg_score of the labels one-hot
  // recall_score and so on with labels=[0, 1, 2, 3], average="macro"
  CHECK(s["macro_recall"] == Approx(0.7814345991561181).epsilon(1e-12));
  CHECK(s["macro_precision"] == Approx(0.7782867985904038).epsilon(1e-12));
  CHECK(s["macro_f_2.000"] == Approx(0.7533873182979198).epsilon(1e-12));
  CHECK(s["multiclass_balanced_accuracy"] == Approx(0.7814345991561181).epsilon(1e-12));
  CHECK(s["multiclass_log_loss"] == Approx(1.4803403411341152).epsilon(1e-7));
  CHECK(s["multiclass_cross_entropy_objective"] == s["multiclass_log_loss"]);
}

TEST_CASE("linear-learner metrics: regression, against scikit-learn", "[algos][linear]") {
  std::vector<float> f(kRows), y(kRows);
  for (std::size_t i = 0; i < kRows; ++i) {
    const double x = static_cast<double>(i), base = std::cos(0.9 * x) * 4;
    f[i] = static_cast<float>(base);
    y[i] = static_cast<float>(base + std::sin(5.3 * x));
  }
  ScoringRule rule;
  rule.predictor_type = PredictorType::regressor;
  rule.loss.loss = Loss::quantile_loss;
  rule.loss.quantile = 0.9;
  const std::vector<Score> scores = score(rule, f, y);
  CHECK(names(scores) == std::vector<std::string>{"quantile_loss_objective", "mse", "absolute_loss", "rmse"});
  auto s = by_name(scores);
  CHECK(s["mse"] == Approx(0.49815387775050823).epsilon(1e-12));
  CHECK(s["absolute_loss"] == Approx(0.6341735140047967).epsilon(1e-12));
  CHECK(s["rmse"] == Approx(0.7058001684262396).epsilon(1e-12));
  CHECK(s["quantile_loss_objective"] == Approx(0.31564845438115297).epsilon(1e-12));  // mean_pinball_loss
  rule.loss.loss = Loss::squared_loss;
  CHECK(score(rule, f, y)[0].name == "mse_objective");
  CHECK(score(rule, f, y)[0].published == "objective_loss");
}

TEST_CASE("linear-learner metrics: how rows are cut into pieces changes no bit", "[algos][linear]") {
  const std::vector<float> f = steps(), y = binary_labels(f);
  ScoringRule rule;
  rule.loss.loss = Loss::logistic;
  CHECK(by_name(score(rule, f, y, 1)) == by_name(score(rule, f, y, 1000)));
}

TEST_CASE("linear-learner metrics: quotients without a denominator are 0, and one class has no AUC", "[algos][linear]") {
  ScoringRule rule;
  rule.loss.loss = Loss::logistic;
  auto s = by_name(score(rule, {-1, -2, -3}, {0, 0, 0}));
  CHECK(s["binary_classification_accuracy"] == 1);
  CHECK(s["precision"] == 0);
  CHECK(s["recall"] == 0);
  CHECK(s["binary_f_1.000"] == 0);
  CHECK(std::isnan(s["roc_auc_score"]));
}

TEST_CASE("linear-learner metrics: rows of several processes are scored as those of one", "[algos][linear]") {
  const std::vector<float> f = steps(), y = binary_labels(f);
  ScoringRule rule;
  rule.loss.loss = Loss::logistic;
  const auto whole = by_name(score(rule, f, y));
  test::on_ranks(3, [&](dist::Group& group) {
    const auto rank = static_cast<std::size_t>(group.rank());
    const std::size_t first = rank * 70, count = std::min<std::size_t>(70, kRows - first);
    const auto scorer = make_scorer(rule);
    scorer->add(f.data() + first, count, 1, y.data() + first);
    scorer->gather(group);
    std::vector<std::string> warnings;
    const auto shared = by_name(scorer->finish(warnings));
    for (const auto& [name, value] : whole) {
      if (std::abs(shared.at(name) - value) > 1e-12) throw std::runtime_error(name);
    }
    if (scorer->rows() != kRows || !warnings.empty()) throw std::runtime_error("rows");
  });
}

// ---- losses ---------------------------------------------------------------------------------------------------------------

TEST_CASE("linear-learner metrics: each loss as the specification has it", "[algos][linear]") {
  LossFunction l;
  l.quantile = 0.9;
  l.huber_delta = 2;
  l.loss_insensitivity = 0.5;
  l.margin = 3;
  l.positive_weight = 4;
  const auto at = [&](Loss loss, double f, double y) { return l.loss = loss, l(f, y); };
  CHECK(at(Loss::squared_loss, 5, 2) == 9);
  CHECK(at(Loss::absolute_loss, -1, 2) == 3);
  CHECK(at(Loss::quantile_loss, 1, 3) == Approx(1.8));  // too low costs more: 0.9 predicts high
  CHECK(at(Loss::quantile_loss, 3, 1) == Approx(0.2));
  CHECK(at(Loss::huber_loss, 1, 0) == 0.5);
  CHECK(at(Loss::huber_loss, 5, 0) == 8);
  CHECK(at(Loss::huber_loss, 2, 0) == 2);  // both pieces meet
  CHECK(at(Loss::eps_insensitive_squared_loss, 2, 0) == 3.75);
  CHECK(at(Loss::eps_insensitive_squared_loss, 0.4, 0) == 0);
  CHECK(at(Loss::eps_insensitive_absolute_loss, -2, 0) == 1.5);
  CHECK(at(Loss::logistic, 0, 1) == Approx(4 * std::log(2.0)));
  CHECK(at(Loss::logistic, 0, 0) == Approx(std::log(2.0)));
  CHECK(at(Loss::logistic, -800, 1) == Approx(3200));  // without overflow
  CHECK(at(Loss::logistic, 40, 1) == Approx(4 * std::exp(-40.0)));
  CHECK(at(Loss::hinge_loss, 1, 1) == 4);  // (m + 1) / 2 = 2
  CHECK(at(Loss::hinge_loss, 2, 1) == 0);
  CHECK(at(Loss::hinge_loss, -1, 0) == 0);  // (m - 1) / 2 = 1
  CHECK(at(Loss::hinge_loss, 0.5, 0) == 1.5);
  const std::vector<float> f{1, 2, 3};
  CHECK(softmax_loss(f, 0) == Approx(std::log(std::exp(1.0) + std::exp(2.0) + std::exp(3.0)) - 1));
}

TEST_CASE("linear-learner metrics: answers stay within their range for any score", "[algos][linear]") {
  CHECK(answer_of(Loss::logistic, 0) == 0.5f);
  CHECK(answer_of(Loss::logistic, 3e38f) == 1.0f);
  CHECK(answer_of(Loss::logistic, -3e38f) == 0.0f);
  CHECK(answer_of(Loss::logistic, 2) == Approx(0.8807970779778823));
  CHECK(answer_of(Loss::hinge_loss, 7) == 7.0f);
  std::vector<float> f{1000, 999, -3e38f};
  softmax(f);
  CHECK(f[0] == Approx(0.7310585786));
  CHECK(f[2] == 0.0f);
}

// ---- the ROC curve --------------------------------------------------------------------------------------------------------

double area_by_pairs(const std::vector<float>& f, const std::vector<int>& y) {
  double sum = 0, pairs = 0;
  for (std::size_t i = 0; i < f.size(); ++i) {
    for (std::size_t j = 0; j < f.size(); ++j) {
      if (y[i] == 1 && y[j] == 0) {
        sum += f[i] > f[j] ? 1 : f[i] == f[j] ? 0.5 : 0;
        ++pairs;
      }
    }
  }
  return sum / pairs;
}

RocCurve::Area area_of(const std::vector<float>& f, const std::vector<int>& y, std::size_t most) {
  RocCurve curve(most);
  for (std::size_t i = 0; i < f.size(); ++i) curve.add(f[i], y[i] == 1);
  return curve.take_area();
}

TEST_CASE("linear-learner ROC: the area is the share of pairs in order, ties a half, both zeros the same", "[algos][linear]") {
  std::mt19937 random(7);
  for (int values : {3, 20, 100000}) {
    std::vector<float> f(300);
    std::vector<int> y(300);
    for (std::size_t i = 0; i < f.size(); ++i) {
      f[i] = (static_cast<float>(random() % static_cast<unsigned>(values)) - static_cast<float>(values / 2)) *
             (random() % 2 == 0 ? 1 : -1);
      y[i] = random() % 3 == 0 ? 1 : 0;
    }
    INFO(values);
    const RocCurve::Area area = area_of(f, y, 1000);
    CHECK(area.value == Approx(area_by_pairs(f, y)).epsilon(1e-12));
    CHECK(area.error == 0);
  }
}

TEST_CASE("linear-learner ROC: few values stay exact however many rows come", "[algos][linear]") {
  std::mt19937 random(8);
  std::vector<float> f(2000);
  std::vector<int> y(2000);
  for (std::size_t i = 0; i < f.size(); ++i) {
    f[i] = static_cast<float>(random() % 8);
    y[i] = random() % 10 < static_cast<unsigned>(f[i]) ? 1 : 0;
  }
  const RocCurve::Area area = area_of(f, y, 64);
  CHECK(area.value == Approx(area_by_pairs(f, y)).epsilon(1e-12));
  CHECK(area.error == 0);
}

TEST_CASE("linear-learner ROC: beyond its memory the area is within the error it states", "[algos][linear]") {
  std::mt19937 random(9);
  std::normal_distribution<float> normal;
  std::vector<float> f(5000);
  std::vector<int> y(5000);
  for (std::size_t i = 0; i < f.size(); ++i) {
    y[i] = random() % 4 == 0 ? 1 : 0;
    f[i] = normal(random) + static_cast<float>(y[i]);
  }
  const double exact = area_by_pairs(f, y);
  const RocCurve::Area coarse = area_of(f, y, 400);
  CHECK(coarse.error > 0);
  CHECK(coarse.error < 0.03);
  CHECK(std::abs(coarse.value - exact) <= coarse.error);
  CHECK(coarse.value != exact);
  CHECK(area_of(f, y, 5000).value == Approx(exact).epsilon(1e-12));
  ScoringRule rule;
  rule.loss.loss = Loss::logistic;
  rule.roc_rows = 400;
  const auto scorer = make_scorer(rule);
  const std::vector<float> labels(y.begin(), y.end());
  scorer->add(f.data(), f.size(), 1, labels.data());
  std::vector<std::string> warnings;
  scorer->finish(warnings);
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], Contains("5,000 rows") && Contains("it is within"));
}

TEST_CASE("linear-learner ROC: sorting is by score, with labels staying at their scores", "[algos][linear]") {
  std::mt19937 random(10);
  std::vector<std::uint64_t> items, scratch;
  std::vector<float> scores;
  for (int i = 0; i < 3000; ++i) {
    const float score = std::ldexp(static_cast<float>(random()) - 2e9f, static_cast<int>(random() % 60) - 60);
    scores.push_back(score);
    items.push_back(ranked(score, score < 0));
  }
  for (float special : {0.0f, -0.0f, 3.4e38f, -3.4e38f, 1e-45f, -1e-45f}) {
    scores.push_back(special);
    items.push_back(ranked(special, special < 0));
  }
  sort_ranked(items, scratch);
  std::sort(scores.begin(), scores.end());
  for (std::size_t i = 0; i < items.size(); ++i) {
    CHECK(score_of(items[i]) == scores[i]);
    CHECK(is_labelled(items[i]) == (scores[i] < 0));
  }
}

}  // namespace
}  // namespace smtrain::linear
