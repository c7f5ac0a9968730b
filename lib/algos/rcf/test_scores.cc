#include "algos/rcf/test_scores.h"

#include <cmath>

namespace smtrain::rcf {

ScoreStats TestScores::stats(dist::Communicator& workers) const {
  double sums[] = {static_cast<double>(scores_.size()), 0};
  for (const float s : scores_) sums[1] += static_cast<double>(s);
  workers.allreduce(sums);
  if (sums[0] == 0) return {};
  const double mean = sums[1] / sums[0];
  double squares = 0;
  for (const float s : scores_) squares += (static_cast<double>(s) - mean) * (static_cast<double>(s) - mean);
  workers.allreduce(std::span(&squares, 1));
  return {mean, std::sqrt(squares / sums[0])};
}

Confusion TestScores::judge(double cutoff, dist::Communicator& workers) const {
  double counts[4] = {};
  for (std::size_t i = 0; i < scores_.size(); ++i) ++counts[2 * anomaly_[i] + (static_cast<double>(scores_[i]) > cutoff ? 1 : 0)];
  workers.allreduce(counts);
  return {.true_positive = counts[3], .false_positive = counts[1], .true_negative = counts[0], .false_negative = counts[2]};
}

}  // namespace smtrain::rcf
