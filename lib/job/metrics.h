// Metrics: what a run measures, under its published names. One sink renders them all (lib/run/console/console.h): SageMaker's
// lines, JSON Lines, text and the progress bar.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smtrain::job {

/// A score: "test msd <loss>=9.125", published as test:msd.
struct Quality {
  std::string channel;  ///< "train", "test", "validation"
  std::string name;     ///< "msd"
  double value = 0;
  bool smaller_is_better = true;
  std::optional<std::int64_t> epoch;  ///< absent: final
  std::optional<std::int64_t> batch;
  std::string published = {};  ///< "binary_f_beta", where that is not the name printed ("binary_f_1.000")
  std::optional<std::int64_t> model = {};  ///< of those that are trained side by side: for logs of every detail alone
  bool also_score = false;     ///< the service says it as "#test_score (host) : ('name', value)", too
};

/// Several scores that are told in one line, in a log and in the service's: those of a boosting round.
struct Evaluation {
  std::string line;              ///< "[3]\ttrain-rmse:0.12346\tvalidation-rmse:0.23457"; "" of final scores, which the service does not print
  std::vector<Quality> metrics;  ///< each for itself, for machines
};

/// What a data iterator has delivered; SageMaker's "Total Records Seen" and its companions.
struct IteratorStats {
  std::string meta;  ///< "training_data_iter", "test_data_iter", "init_train_data_iter"
  std::optional<std::int64_t> epoch;
  std::uint64_t total_records = 0, total_batches = 0;
  std::uint64_t max_records_between_resets = 0, max_batches_between_resets = 0;
  std::uint64_t resets = 0;
  std::uint64_t records_since_reset = 0, batches_since_reset = 0;
  double start_time = 0;  ///< seconds since 1970 at which this pass began
};

/// Where a run stands, for the progress bar; called often, shown when due.
struct Progress {
  std::string_view phase;                  ///< "epoch 2/10", "seeding", "shrinking"
  double fraction = 0;                     ///< of the whole run, 0 … 1; negative when unknown
  std::uint64_t records = 0;               ///< so far in the run
  std::optional<double> loss;
  bool closing = false;                    ///< after the last epoch: what makes a model of the state
};

/// Receives measurements. Thread-safe.
class MetricSink {
 public:
  virtual ~MetricSink() = default;
  virtual void quality(const Quality& metric) = 0;
  virtual void evaluation(const Evaluation& evaluation) = 0;
  /// What early stopping goes by, after an epoch: "sampled_accuracy", 0.94.
  virtual void early_stopping(std::int64_t epoch, std::string_view criterion, double value) = 0;
  virtual void iterator(const IteratorStats& stats) = 0;
  /// Training throughput of one epoch, records per second.
  virtual void throughput(double records_per_second, std::int64_t epoch) = 0;
  /// After each epoch: `done` of `total`.
  virtual void epochs_completed(std::int64_t done, std::int64_t total) = 0;
  /// Milliseconds spent in a named step: "initialize.time", "update.time", "finalize.time", "model.serialize.time",
  /// "_shrink.time", "setuptime", "totaltime". Times of one name add up (count, sum, min, max) until flushed.
  virtual void timing(std::string_view name, double milliseconds) = 0;
  /// Emits the timings gathered since the last flush as one line with this iterator's dimension (epoch absent: the run's).
  virtual void flush_timings(std::optional<std::int64_t> epoch) = 0;
  virtual void progress(const Progress& progress) = 0;
};

}  // namespace smtrain::job
