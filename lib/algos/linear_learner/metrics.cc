#include "algos/linear_learner/metrics.h"

#include <cmath>

#include "algos/linear_learner/ranking.h"
#include "base/text.h"

namespace smtrain::linear {
namespace {

double quotient(double a, double b) { return b == 0 ? 0 : a / b; }

// From true positives, all predicted and all actual ones.
struct Quality {
  double precision, recall, f;
};
Quality quality_of(double hits, double predicted, double actual, double beta) {
  const double b2 = beta * beta;
  return {quotient(hits, predicted), quotient(hits, actual), quotient((1 + b2) * hits, b2 * actual + predicted)};
}

Score objective_of(Loss loss, double value) { return {objective_name(loss), "objective_loss", value, true}; }

class BinaryScorer final : public Scorer {
 public:
  explicit BinaryScorer(const ScoringRule& rule) : rule_(rule), roc_(rule.roc_rows) {}

  void add(const float* scores, std::size_t rows, std::size_t ld, const float* labels) override {
    for (std::size_t i = 0; i < rows; ++i) {
      const float f = scores[i * ld];
      const bool positive = labels[i] == 1.0f;
      sums_[kLoss] += rule_.loss(f, positive ? 1 : 0);
      const bool predicted = is_positive(answer_of(rule_.loss.loss, f), rule_.threshold);
      sums_[kPositive] += positive;
      sums_[kPredicted] += predicted;
      sums_[kHits] += positive && predicted;
      roc_.add(f, positive);
    }
    sums_[kRows] += static_cast<double>(rows);
  }
  void gather(dist::Communicator& communicator) override {
    communicator.allreduce(sums_);
    roc_.gather(communicator);
  }
  std::uint64_t rows() const override { return static_cast<std::uint64_t>(sums_[kRows]); }

  std::vector<Score> finish(std::vector<std::string>& warnings) override {
    const double n = sums_[kRows], hits = sums_[kHits], positive = sums_[kPositive], predicted = sums_[kPredicted];
    const double right = n - positive - predicted + 2 * hits;
    const Quality q = quality_of(hits, predicted, positive, rule_.f_beta);
    const RocCurve::Area area = roc_.take_area();
    if (area.error > 0) {
      warnings.push_back(
          fmt::format("roc_auc_score of {} rows was computed from groups of neighbouring scores; it is within {:.1e}",
                      grouped(rows()), area.error));
    }
    return {objective_of(rule_.loss.loss, quotient(sums_[kLoss], n)),
            {"binary_classification_accuracy", "binary_classification_accuracy", quotient(right, n)},
            {fmt::format("binary_f_{:.3f}", rule_.f_beta), "binary_f_beta", q.f},
            {"precision", "precision", q.precision},
            {"recall", "recall", q.recall},
            {"roc_auc_score", "roc_auc_score", area.value}};
  }

 private:
  enum { kRows, kLoss, kPositive, kPredicted, kHits, kSums };
  const ScoringRule rule_;
  double sums_[kSums] = {};
  RocCurve roc_;
};

class MulticlassScorer final : public Scorer {
 public:
  explicit MulticlassScorer(const ScoringRule& rule) : rule_(rule), sums_(kSums + 3 * rule.classes) {}

  void add(const float* scores, std::size_t rows, std::size_t ld, const float* labels) override {
    for (std::size_t i = 0; i < rows; ++i) add_row({scores + i * ld, rule_.classes}, static_cast<std::size_t>(labels[i]));
    sums_[kRows] += static_cast<double>(rows);
  }
  void gather(dist::Communicator& communicator) override { communicator.allreduce(sums_); }
  std::uint64_t rows() const override { return static_cast<std::uint64_t>(sums_[kRows]); }

  std::vector<Score> finish(std::vector<std::string>&) override {
    const double n = sums_[kRows], loss = quotient(sums_[kLoss], n);
    const Quality macro = macro_quality();
    return {objective_of(rule_.loss.loss, loss),
            {"multiclass_accuracy", "multiclass_accuracy", quotient(sums_[kRight], n)},
            {fmt::format("multiclass_top_k_accuracy_{}", rule_.top_k), "multiclass_top_k_accuracy", quotient(sums_[kNear], n)},
            {"dcg", "dcg", quotient(sums_[kGain], n)},
            {"macro_recall", "macro_recall", macro.recall},
            {"macro_precision", "macro_precision", macro.precision},
            {fmt::format("macro_f_{:.3f}", rule_.f_beta), "macro_f_beta", macro.f},
            {"multiclass_balanced_accuracy", "multiclass_balanced_accuracy", macro.recall},
            {"multiclass_log_loss", "multiclass_log_loss", loss, true}};
  }

 private:
  enum { kRows, kLoss, kRight, kNear, kGain, kSums };

  // Of class c: rows of it, rows predicted so, and both.
  double& actual(std::size_t c) { return sums_[kSums + 3 * c]; }
  double& predicted(std::size_t c) { return sums_[kSums + 3 * c + 1]; }
  double& hits(std::size_t c) { return sums_[kSums + 3 * c + 2]; }

  void add_row(std::span<const float> f, std::size_t y) {
    std::size_t rank = 1;
    for (std::size_t c = 0; c < f.size(); ++c) rank += f[c] > f[y] || (f[c] == f[y] && c < y);
    sums_[kLoss] += softmax_loss(f, y);
    sums_[kRight] += rank == 1;
    sums_[kNear] += rank <= static_cast<std::size_t>(rule_.top_k);
    sums_[kGain] += 1 / std::log2(1 + static_cast<double>(rank));
    ++actual(y);
    ++predicted(rank == 1 ? y : best_class(f));
    hits(y) += rank == 1;
  }

  Quality macro_quality() {
    Quality sum{0, 0, 0};
    double classes = 0;
    for (std::size_t c = 0; c < rule_.classes; ++c) {
      if (actual(c) == 0) continue;
      const Quality q = quality_of(hits(c), predicted(c), actual(c), rule_.f_beta);
      sum = {sum.precision + q.precision, sum.recall + q.recall, sum.f + q.f};
      ++classes;
    }
    return {quotient(sum.precision, classes), quotient(sum.recall, classes), quotient(sum.f, classes)};
  }

  const ScoringRule rule_;
  std::vector<double> sums_;
};

class RegressionScorer final : public Scorer {
 public:
  explicit RegressionScorer(const ScoringRule& rule) : rule_(rule) {}

  void add(const float* scores, std::size_t rows, std::size_t ld, const float* labels) override {
    for (std::size_t i = 0; i < rows; ++i) {
      const double f = scores[i * ld], y = labels[i], e = f - y;
      sums_[kLoss] += rule_.loss(f, y);
      sums_[kSquare] += e * e;
      sums_[kAbsolute] += std::abs(e);
    }
    sums_[kRows] += static_cast<double>(rows);
  }
  void gather(dist::Communicator& communicator) override { communicator.allreduce(sums_); }
  std::uint64_t rows() const override { return static_cast<std::uint64_t>(sums_[kRows]); }

  std::vector<Score> finish(std::vector<std::string>&) override {
    const double n = sums_[kRows], mse = quotient(sums_[kSquare], n);
    return {objective_of(rule_.loss.loss, quotient(sums_[kLoss], n)),
            {"mse", "mse", mse, true},
            {"absolute_loss", "absolute_loss", quotient(sums_[kAbsolute], n), true},
            {"rmse", "rmse", std::sqrt(mse), true}};
  }

 private:
  enum { kRows, kLoss, kSquare, kAbsolute, kSums };
  const ScoringRule rule_;
  double sums_[kSums] = {};
};

}  // namespace

ScoringRule scoring_rule(const Params& params, double threshold, double positive_weight) {
  ScoringRule rule;
  rule.predictor_type = params.predictor_type;
  rule.loss = loss_function(params, positive_weight);
  rule.classes = classes_of(params);
  rule.threshold = threshold;
  rule.f_beta = params.f_beta;
  rule.top_k = params.accuracy_top_k;
  return rule;
}

std::string objective_name(Loss loss) {
  switch (loss) {
    case Loss::logistic: return "binary_classification_cross_entropy_objective";
    case Loss::softmax_loss: return "multiclass_cross_entropy_objective";
    case Loss::squared_loss: return "mse_objective";
    default: return fmt::format("{}_objective", name_of(loss));
  }
}

std::unique_ptr<Scorer> make_scorer(const ScoringRule& rule) {
  switch (rule.predictor_type) {
    case PredictorType::binary_classifier: return std::make_unique<BinaryScorer>(rule);
    case PredictorType::multiclass_classifier: return std::make_unique<MulticlassScorer>(rule);
    case PredictorType::regressor: break;
  }
  return std::make_unique<RegressionScorer>(rule);
}

}  // namespace smtrain::linear
