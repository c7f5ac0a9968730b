// Calibration: the decision threshold of binary models, and which of several models is the best.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "algos/linear_learner/loss.h"
#include "algos/linear_learner/params.h"
#include "dist/communicator.h"

namespace smtrain::linear {

/// What models are judged by. Regression and several classes: loss_function, the lowest objective.
struct Target {
  Criterion criterion = Criterion::loss_function;
  double beta = 1;                ///< of f_beta
  double target_precision = 0.8;  ///< of recall_at_target_precision
  double target_recall = 0.8;     ///< of precision_at_target_recall

  /// loss_function falls, everything else grows, as a model gets better.
  bool maximizes() const { return criterion != Criterion::loss_function; }
};

Target target_of(const Params& params);

/// "sampled_accuracy": what the service's log calls the criterion of an epoch; the objective's name with loss_function.
std::string criterion_name(const Target& target, Loss loss);

/// The scores that M models gave the same rows: the first that came, up to a number of rows. 4 M + 1 bytes a row, taken as they
/// come. Not thread-safe.
class CalibrationSample {
 public:
  /// At most `capacity` rows, of all processes together.
  CalibrationSample(Loss loss, std::size_t models, std::uint64_t capacity);

  /// Rows that `bytes` of memory have room for, sorting on `threads` threads included.
  static std::uint64_t rows_within(std::uint64_t bytes, std::size_t models, int threads);

  /// scores (rows, models): raw scores f with their bias, `ld` numbers between rows; labels (rows), 0 or 1. Rows beyond the
  /// capacity are left out.
  void add(const float* scores, std::size_t rows, std::size_t ld, const float* labels);
  /// The rows of all processes in rank order, on each of them. Collective.
  void gather(dist::Communicator& communicator);
  void clear();

  bool full() const { return rows() >= capacity_; }
  std::uint64_t rows() const { return labels_.size(); }
  std::uint64_t positives() const { return positives_; }
  std::size_t models() const { return answers_.size(); }
  Loss loss() const { return loss_; }
  /// Of one model, answer_of() each score; labels (rows), 0 or 1.
  std::span<const float> answers(std::size_t model) const { return answers_[model]; }
  std::span<const std::uint8_t> labels() const { return labels_; }

 private:
  Loss loss_;
  std::uint64_t capacity_;
  std::uint64_t positives_ = 0;
  std::vector<std::vector<float>> answers_;
  std::vector<std::uint8_t> labels_;
};

/// How a model fares with its best threshold.
struct Verdict {
  bool usable = true;         ///< false: its objective is not finite; never chosen
  bool feasible = true;       ///< false: no threshold reaches the target; this one comes nearest
  double value = 0;           ///< of the criterion
  double side = 0;            ///< what the target is about: recall of precision_at_target_recall, precision of the other
  double threshold = kNaturalThreshold;
  double objective = 0;
};

/// Finds every model's best threshold. Candidates are the midpoints between neighbouring distinct answers, and one below and one above
/// all of them; of equally good ones that which fares better in `side`, then that which is nearest to 0.5. Where no
/// threshold reaches the target, the nearest does. With loss_function the threshold is 0.5, and the value the objective. A quotient
/// without a denominator is 0. objectives (models): the loss of each on the same rows, or more. Bytes do not depend on `threads`.
std::vector<Verdict> calibrate(const CalibrationSample& sample, const Target& target, std::span<const double> objectives, int threads);

/// The verdicts of models without thresholds: regression, several classes.
std::vector<Verdict> judge(std::span<const double> objectives);

/// Whether `a` is strictly better: usable; feasible; the value (among those that miss the target, the side); the objective.
bool is_better(const Target& target, const Verdict& a, const Verdict& b);

/// The best model, of equals the first. Throws a user Error with advice when none is usable.
std::size_t best_model(const Target& target, std::span<const Verdict> verdicts);

/// Rows that thresholds were found on.
struct CalibrationRows {
  std::uint64_t rows = 0, positives = 0;
  std::string channel;  ///< "validation"
};

/// Warnings about a calibration: a target that is missed, a target met by few rows, labels of one class; with the rows that it was made on.
std::vector<std::string> cautions(const CalibrationRows& seen, const Target& target, const Verdict& best);

}  // namespace smtrain::linear
