// Scores of labelled rows, and how well a cut at mean + 3 deviations finds the anomalies among them.
#pragma once

#include <cstdint>
#include <vector>

#include "algos/rcf/artifact.h"
#include "dist/communicator.h"

namespace smtrain::rcf {

/// Rows by what they are and what they are taken for.
struct Confusion {
  double true_positive = 0, false_positive = 0, true_negative = 0, false_negative = 0;

  double rows() const { return true_positive + false_positive + true_negative + false_negative; }
  double positives() const { return true_positive + false_negative; }
  double accuracy() const { return rows() > 0 ? (true_positive + true_negative) / rows() : 0; }
  /// Of what is taken for one, and 0 where nothing is.
  double precision() const { return ratio(true_positive, true_positive + false_positive); }
  double recall() const { return ratio(true_positive, positives()); }
  double f1() const { return ratio(2 * true_positive, 2 * true_positive + false_positive + false_negative); }
  /// The same of the other class.
  Confusion negative() const { return {true_negative, false_negative, true_positive, false_positive}; }

 private:
  static double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }
};

/// The scores of all rows are kept, in 5 bytes a row: the cut is known when the last has come.
class TestScores {
 public:
  void add(float score, bool anomaly) {
    scores_.push_back(score);
    anomaly_.push_back(anomaly ? 1 : 0);
  }
  /// Mean and population deviation of all processes' scores. Collective.
  ScoreStats stats(dist::Communicator& workers) const;
  /// Of all processes' rows; a score above the cut-off is taken for an anomaly. Collective.
  Confusion judge(double cutoff, dist::Communicator& workers) const;

 private:
  std::vector<float> scores_;
  std::vector<std::uint8_t> anomaly_;
};

}  // namespace smtrain::rcf
