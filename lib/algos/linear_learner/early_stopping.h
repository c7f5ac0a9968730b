// Early stopping: which epoch was the best, and when to give up waiting for a better one.
#pragma once

#include <cstdint>
#include <string>

#include "job/state.h"

namespace smtrain::linear {

/// Looks at one number per epoch. An epoch is an improvement when its gain over the best value so far, relative to that, is at
/// least the tolerance: (best - value) / best, or (value - best) / best where larger is better. The best value follows any better
/// number, however small the gain, so that slow progress in small steps does not count as an improvement. The first epoch is one.
/// Stops when more than `patience` epochs in a row were none: with patience 3 the fourth.
class EarlyStopping {
 public:
  EarlyStopping(std::int64_t patience, double tolerance, bool larger_is_better)
      : patience_(patience), tolerance_(tolerance), larger_(larger_is_better) {}

  /// The value of the next epoch; one that is not finite is no improvement. True: keep a snapshot of this one.
  bool improves(double value);
  bool stops() const { return flat_epochs_ > patience_; }

  std::int64_t best_epoch() const { return best_epoch_; }    ///< of the last improvement, from 0; -1: none
  double best() const { return best_; }                      ///< the best value seen; 0 before any
  std::int64_t flat_epochs() const { return flat_epochs_; }  ///< in a row

  /// Entries PREFIXearly_stopping.*.
  void save(job::State& state, const std::string& prefix = "") const;
  void restore(const job::State& state, const std::string& prefix = "");

 private:
  std::int64_t patience_;
  double tolerance_;
  bool larger_;
  bool any_ = false;
  double best_ = 0;
  std::int64_t epoch_ = 0, best_epoch_ = -1, flat_epochs_ = 0;
};

}  // namespace smtrain::linear
