// The progress line: a bar that is redrawn on a terminal, a plain line now and then elsewhere.
#pragma once

#include <chrono>
#include <string>

#include "job/metrics.h"

namespace smtrain::run {

/// Decides when and what to draw; the console writes it. Not thread-safe.
class ProgressBar {
 public:
  explicit ProgressBar(bool terminal) : terminal_(terminal) {}

  /// What to write now for this progress: "" when nothing is due (a terminal every 0.1 s, else every 30 s).
  std::string update(const job::Progress& progress);
  /// What removes the bar from a terminal before another line is written; "" when there is none.
  std::string clear();

  /// "epoch 2/10 [####------]  43%  1,234,567 rows/s  loss 38.9  0:12 left"
  static std::string line(const job::Progress& progress, double seconds, bool bar);

 private:
  using Clock = std::chrono::steady_clock;
  const bool terminal_;
  bool drawn_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_ = start_;
};

}  // namespace smtrain::run
