// When boosting has gone far enough, judged by one metric.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace smtrain::xgboost {

/// Stops after `patience` rounds in a row without a strict improvement; NaN never improves. A value.
class EarlyStopping {
 public:
  EarlyStopping(bool maximised, std::int64_t patience) : maximised_(maximised), patience_(patience) {}

  /// The metric after a round. True: the best so far.
  bool update(std::int64_t round, double value);
  bool stops() const { return best_round_ >= 0 ? last_round_ - best_round_ >= patience_ : last_round_ + 1 >= patience_; }

  bool maximised() const { return maximised_; }
  std::int64_t best_round() const { return best_round_; }  ///< -1: none yet
  double best() const { return best_; }
  std::int64_t last_round() const { return last_round_; }
  /// As a checkpoint knew it.
  void restore(std::int64_t best_round, double best, std::int64_t last_round);

 private:
  bool maximised_;
  std::int64_t patience_;
  std::int64_t best_round_ = -1, last_round_ = -1;
  double best_ = std::numeric_limits<double>::quiet_NaN();
};

/// By the part before "@".
bool is_maximised(std::string_view metric);

}  // namespace smtrain::xgboost
