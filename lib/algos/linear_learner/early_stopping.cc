#include "algos/linear_learner/early_stopping.h"

#include <cmath>

namespace smtrain::linear {

bool EarlyStopping::improves(double value) {
  const std::int64_t epoch = epoch_++;
  bool improved = false;
  if (std::isfinite(value)) {
    const double gain = larger_ ? value - best_ : best_ - value;
    // A best value of 0 is left behind by any gain.
    improved = !any_ || (gain > 0 && gain >= tolerance_ * std::abs(best_));
    if (!any_ || gain > 0) best_ = value;
    any_ = true;
  }
  flat_epochs_ = improved ? 0 : flat_epochs_ + 1;
  if (improved) best_epoch_ = epoch;
  return improved;
}

void EarlyStopping::save(job::State& state, const std::string& prefix) const {
  state.put(prefix + "early_stopping.any", std::int64_t{any_});
  state.put(prefix + "early_stopping.best", best_);
  state.put(prefix + "early_stopping.epoch", epoch_);
  state.put(prefix + "early_stopping.best_epoch", best_epoch_);
  state.put(prefix + "early_stopping.flat_epochs", flat_epochs_);
}

void EarlyStopping::restore(const job::State& state, const std::string& prefix) {
  any_ = state.integer(prefix + "early_stopping.any") != 0;
  best_ = state.number(prefix + "early_stopping.best");
  epoch_ = state.integer(prefix + "early_stopping.epoch");
  best_epoch_ = state.integer(prefix + "early_stopping.best_epoch");
  flat_epochs_ = state.integer(prefix + "early_stopping.flat_epochs");
}

}  // namespace smtrain::linear
