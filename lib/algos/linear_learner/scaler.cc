#include "algos/linear_learner/scaler.h"

#include <algorithm>
#include <cmath>

namespace smtrain::linear {
namespace {

using formats::Batch;

// use(row, column, value) for each number that is there.
template <class Use>
void each_number(const Batch& batch, Use use) {
  for (std::size_t i = 0; i < batch.rows; ++i) {
    if (!batch.sparse()) {
      for (std::size_t j = 0; j < batch.cols; ++j) use(j, static_cast<double>(batch.dense[i * batch.ld + j]));
      continue;
    }
    const std::uint64_t base = batch.indptr[0];
    for (std::uint64_t k = batch.indptr[i] - base; k < batch.indptr[i + 1] - base; ++k) {
      use(batch.indices[k], static_cast<double>(batch.values[k]));
    }
  }
}

// 1 where a feature or label does not vary beyond rounding.
double deviation(double variance, double mean) {
  const double std = std::sqrt(std::max(variance, 0.0));
  return std < 1e-12 * std::max(1.0, std::abs(mean)) ? 1.0 : std;
}

void count_labels(std::span<const Batch> batches, std::size_t classes, dist::Communicator& workers, Sample& sample) {
  std::vector<double> counts(classes, 0.0);
  for (const Batch& batch : batches) {
    for (std::size_t i = 0; i < batch.rows && classes > 0; ++i) ++counts[static_cast<std::size_t>(batch.labels[i])];
  }
  workers.allreduce(counts);
  sample.class_counts.assign(counts.begin(), counts.end());
}

}  // namespace

Sample measure_sample(std::span<const Batch> batches, std::size_t d, std::size_t classes, dist::Communicator& workers) {
  Sample sample;
  std::vector<double> sums(d + 2, 0.0);  // by feature; of labels; rows
  for (const Batch& batch : batches) {
    each_number(batch, [&](std::size_t j, double x) { sums[j] += x; });
    for (std::size_t i = 0; i < batch.rows; ++i) sums[d] += static_cast<double>(batch.labels[i]);
    sums[d + 1] += static_cast<double>(batch.rows);
  }
  workers.allreduce(sums);
  const double rows = sums[d + 1];
  sample.rows = static_cast<std::uint64_t>(rows);
  sample.mean.resize(d);
  for (std::size_t j = 0; j < d; ++j) sample.mean[j] = sums[j] / std::max(rows, 1.0);
  sample.label_mean = sums[d] / std::max(rows, 1.0);

  std::vector<double> squares(2 * d + 1, 0.0);  // of deviations by feature; numbers that are there by feature; of labels
  for (const Batch& batch : batches) {
    each_number(batch, [&](std::size_t j, double x) {
      squares[j] += (x - sample.mean[j]) * (x - sample.mean[j]);
      ++squares[d + j];
    });
    for (std::size_t i = 0; i < batch.rows; ++i) {
      const double e = static_cast<double>(batch.labels[i]) - sample.label_mean;
      squares[2 * d] += e * e;
    }
  }
  workers.allreduce(squares);
  sample.std.resize(d);
  for (std::size_t j = 0; j < d; ++j) {
    const double zeros = (rows - squares[d + j]) * sample.mean[j] * sample.mean[j];
    sample.std[j] = deviation((squares[j] + zeros) / std::max(rows, 1.0), sample.mean[j]);
  }
  sample.single_label = squares[2 * d] == 0;
  sample.label_std = deviation(squares[2 * d] / std::max(rows, 1.0), sample.label_mean);
  count_labels(batches, classes, workers, sample);
  return sample;
}

Scaler make_scaler(const Params& params, const Sample& sample, bool sparse) {
  Scaler scaler;
  const std::size_t d = sample.mean.size();
  if (unbiases_data(params) && !sparse) {
    scaler.shift.resize(d);
    for (std::size_t j = 0; j < d; ++j) scaler.shift[j] = static_cast<float>(sample.mean[j]);
  }
  if (normalizes_data(params, sparse)) {
    scaler.scale.resize(d);
    for (std::size_t j = 0; j < d; ++j) scaler.scale[j] = static_cast<float>(1 / sample.std[j]);
  }
  if (unbiases_label(params)) scaler.label_shift = sample.label_mean;
  if (normalizes_label(params)) scaler.label_scale = sample.label_std;
  return scaler;
}

void Scaler::save(job::State& state) const {
  state.put("scaler.shift", {shift.size()}, shift);
  state.put("scaler.scale", {scale.size()}, scale);
  state.put("scaler.label_shift", label_shift);
  state.put("scaler.label_scale", label_scale);
  state.put("scaler.shifts", std::int64_t{!shift.empty()});
  state.put("scaler.scales", std::int64_t{!scale.empty()});
}

Scaler Scaler::restored(const job::State& state, std::size_t d) {
  Scaler scaler;
  scaler.shift = state.f32("scaler.shift", {state.integer("scaler.shifts") != 0 ? d : 0});
  scaler.scale = state.f32("scaler.scale", {state.integer("scaler.scales") != 0 ? d : 0});
  scaler.label_shift = state.number("scaler.label_shift");
  scaler.label_scale = state.number("scaler.label_scale");
  return scaler;
}

}  // namespace smtrain::linear
