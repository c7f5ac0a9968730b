// What a model's scores are worth over some rows, as sums that add up.
#pragma once

#include <array>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "algos/factorization_machines/params.h"
#include "job/metrics.h"

namespace smtrain::fm {

/// Sums over rows, each with its weight.
struct Tally {
  // Of all: weights, losses (squared error, or negative log likelihood); then absolute errors, right answers, and of the rows taken for
  // 1 and those labelled 1 how many are which.
  double rows = 0, loss = 0, absolute = 0, correct = 0, true_positive = 0, predicted_positive = 0, positive = 0;

  static constexpr std::size_t kSums = 7;
  std::array<double, kSums> sums() const { return {rows, loss, absolute, correct, true_positive, predicted_positive, positive}; }
  static Tally of(std::span<const double> s) { return {s[0], s[1], s[2], s[3], s[4], s[5], s[6]}; }
  void add(const Tally& other) {
    std::array<double, kSums> all = sums();
    const std::array<double, kSums> more = other.sums();
    for (std::size_t i = 0; i < kSums; ++i) all[i] += more[i];
    *this = of(all);
  }

  void add_error(double weight, double error) {
    rows += weight;
    absolute += weight * std::abs(error);
  }
  void add_answer(double weight, bool predicted, bool label) {
    rows += weight;
    correct += predicted == label ? weight : 0;
    true_positive += predicted && label ? weight : 0;
    predicted_positive += predicted ? weight : 0;
    positive += label ? weight : 0;
  }
  double mean(double sum) const { return rows > 0 ? sum / rows : 0; }
};

/// The metrics of specification 5: of training (rmse, mse, absolute_loss), or of a finished model (rmse); in both accuracy, cross entropy
/// and F1 of a binary_classifier, which is 0 where nothing is positive.
inline std::vector<job::Quality> qualities(const Tally& tally, Task task, const std::string& channel) {
  std::vector<job::Quality> all;
  const auto put = [&](const char* name, double value, bool smaller_is_better, const char* published = "") {
    all.push_back({channel, name, value, smaller_is_better, {}, {}, published});
  };
  if (task == Task::regressor) {
    put("rmse", std::sqrt(tally.mean(tally.loss)), true);
    if (channel != "train") return all;
    put("mse", tally.mean(tally.loss), true);
    put("absolute_loss", tally.mean(tally.absolute), true);
    return all;
  }
  const double marked = tally.predicted_positive + tally.positive;
  put("binary_classification_accuracy", tally.mean(tally.correct), false);
  put("binary_classification_cross_entropy", tally.mean(tally.loss), true);
  put("binary_f_1.000", tally.true_positive > 0 ? 2 * tally.true_positive / marked : 0, false, "binary_f_beta");
  return all;
}

}  // namespace smtrain::fm
