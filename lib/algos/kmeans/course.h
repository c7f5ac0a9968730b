// What a training run has measured beside its centres; with them and job::Passes, all that a checkpoint needs.
#pragma once

#include "job/state.h"

namespace smtrain::kmeans {

/// A mean that is reported and begun anew.
struct RunningMean {
  double sum = 0, weight = 0;
  void add(double s, double w) {
    sum += s;
    weight += w;
  }
  double value() const { return weight > 0 ? sum / weight : 0; }
};

/// As of the last mini-batch that has moved the centres.
struct Course {
  RunningMean short_term, long_term, last_epoch;  ///< squared distances
  bool reported = false;                          ///< the final metrics of the train channel are out

  void save(job::State& state) const;
  void restore(const job::State& state);
};

}  // namespace smtrain::kmeans
