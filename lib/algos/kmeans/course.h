// What a training run has come to beside its centres; with them, all that a checkpoint needs.
#pragma once

#include <cstdint>

#include "formats/table_stream.h"
#include "job/metrics.h"
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
  formats::TableCursor at;           ///< epoch = epochs: all are done
  std::uint64_t iteration = 0;       ///< mini-batches in all
  std::uint64_t rows = 0;            ///< of all epochs
  std::uint64_t epoch_rows = 0, epoch_batches = 0;
  std::uint64_t rows_per_epoch = 0;  ///< known after the first
  RunningMean short_term, long_term, last_epoch;
  job::IteratorStats seen;           ///< as reported last
  bool reported = false;             ///< the final metrics of the train channel are out

  void save(job::State& state) const;
  void restore(const job::State& state);
};

}  // namespace smtrain::kmeans
