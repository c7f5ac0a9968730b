// The scaler: what the first rows say about units, and how features and labels are brought to unit variance around zero.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "algos/linear_learner/params.h"
#include "dist/communicator.h"
#include "formats/batch.h"
#include "job/state.h"

namespace smtrain::linear {

/// The rows that were looked at before training.
struct Sample {
  std::uint64_t rows = 0;
  std::vector<double> mean, std;              ///< (d): population deviation, 1 of a constant feature
  double label_mean = 0, label_std = 1;
  std::vector<std::uint64_t> class_counts;    ///< of classifiers: rows by label
  bool single_label = false;                  ///< all rows bear the same
};

/// Over the rows of all processes, in two passes in float64. Labels have been checked. `classes`: labels there are; 0 of a
/// regressor. Collective.
Sample measure_sample(std::span<const formats::Batch> batches, std::size_t d, std::size_t classes, dist::Communicator& workers);

/// x' = (x - shift) * scale and y = label_shift + label_scale y'.
struct Scaler {
  std::vector<float> shift, scale;  ///< (d), or empty: none
  double label_shift = 0, label_scale = 1;

  void save(job::State& state) const;
  static Scaler restored(const job::State& state, std::size_t d);
};

/// By normalize_data, unbias_data, normalize_label and unbias_label. Features of sparse rows are never shifted, since a shift would
/// leave no zeros: the bias takes it up, and the model is the same.
Scaler make_scaler(const Params& params, const Sample& sample, bool sparse);

}  // namespace smtrain::linear
