// Passes: the epochs of a training over its channel, mini-batch after mini-batch, with safe points, reports and resume.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/table_stream.h"
#include "job/algorithm.h"

namespace smtrain::job {

/// What is trained, as Passes drives it, from one thread.
class Learner {
 public:
  virtual ~Learner() = default;
  /// An epoch begins, or goes on where a checkpoint was taken.
  virtual void begin_epoch(std::int64_t) {}
  /// A piece of the mini-batch under way; may have no rows.
  virtual void take(const formats::Batch& piece) = 0;
  /// The mini-batch is whole. `rows`: of this process. Returns those of all processes. Collective.
  virtual std::uint64_t update(std::uint64_t rows) = 0;
  /// The epoch is over and its throughput reported. False: no further epoch is wanted. Collective.
  virtual bool end_epoch(std::int64_t) { return true; }
  /// All that the learner needs to go on from its last update, or from its last end_epoch when that came later.
  virtual void save(State& state) const = 0;
  /// Shown by the progress bar.
  virtual std::optional<double> loss() const { return std::nullopt; }
};

struct PassPlan {
  std::string channel = "train";
  std::size_t mini_batch_size = 1000;
  std::int64_t epochs = 1;
  std::size_t feature_dim = 0;  ///< 0: the data tells it
  std::int64_t replays = 0;     ///< times that the channel is read once more behind the epochs
};

using UseBatch = std::function<void(const formats::Batch&)>;

/// Not thread-safe. Its entries of State begin with "passes.".
class Passes {
 public:
  /// Opens the channel, at the place of the checkpoint when the run goes on from one.
  Passes(Context& context, const PassPlan& plan);

  const formats::TableSchema& schema() const { return stream_->schema(); }
  /// The run goes on from a checkpoint; the learner restores itself from Context::resumed().
  bool resumes() const { return context_.resumed() != nullptr; }

  /// Reads whole mini-batches from the beginning until all processes together hold `rows` rows, or one of them `bytes`, or the data
  /// end. They are kept, and are the first that the learner takes. At most once, before run, in a run that does not resume.
  /// Collective.
  std::span<const formats::Batch> peek(std::uint64_t rows, std::uint64_t bytes = std::numeric_limits<std::uint64_t>::max());
  std::uint64_t peeked_rows() const { return peeked_rows_; }  ///< of all processes

  /// The epochs that are left. Comes back early when the run is stopped and a model of what there is, is wanted: stopped().
  void run(Learner& learner);
  bool stopped() const { return stopped_; }

  /// A safe point of what follows the last epoch. True: go on.
  bool closing_point(const Learner& learner, std::string_view phase);
  /// Hands the rest of the stream's epoch to `use`, batch by batch with safe points between; `phase` is what is shown. The learner
  /// must not change meanwhile. False: the run was stopped and there is no time for it. Collective.
  bool read_through(const Learner& learner, formats::TableStream& stream, std::string_view phase, const UseBatch& use);
  /// The same with a channel that is opened for it; the phase bears its name.
  bool read_channel(const Learner& learner, const std::string& channel, const TableRequest& request, const UseBatch& use);

  /// Whether replay() has the rows of an epoch again; not in pipe mode.
  bool can_replay() const { return plan_.replays > 0 && stream_->replays(); }
  /// Reads the rows that were trained on once more; after run(), PassPlan::replays times at most. As read_through.
  bool replay(const Learner& learner, std::string_view phase, const UseBatch& use);

  std::int64_t epoch() const { return at_.epoch; }          ///< under way; PassPlan::epochs when all are done
  bool done() const { return at_.epoch >= plan_.epochs; }
  std::uint64_t updates() const { return updates_; }        ///< mini-batches in all
  std::uint64_t rows() const { return rows_; }              ///< of all epochs and processes
  std::uint64_t epoch_rows() const { return epoch_rows_; }  ///< of the epoch under way

 private:
  void train_epoch(Learner& learner);
  bool next(const Learner& learner, formats::Batch& batch);
  void take(Learner& learner, const formats::Batch& batch, const formats::TableCursor& behind);
  void report_epoch(double began, double seconds);
  void report_peek();
  double fraction() const;
  bool safe_point(const Learner& learner, std::string_view phase = "");
  bool unless_stopped(const Learner& learner, std::string_view phase, const std::function<bool()>& work);
  void save(const Learner& learner, State& state) const;
  void restore(const State& state);

  Context& context_;
  const PassPlan plan_;
  std::unique_ptr<formats::TableStream> stream_;
  std::vector<formats::Batch> peeked_;           // not yet taken
  std::vector<formats::TableCursor> behind_;     // the place behind each of them
  std::uint64_t peeked_rows_ = 0;
  bool exhausted_ = false;              // peek has met the end of the epoch
  bool stands_at_start_ = true;         // of the stream: no epoch of this process has begun
  bool stopped_ = false;
  std::uint64_t batch_rows_ = 0;        // of the mini-batch under way, of this process

  // As of the last mini-batch; with the learner, what a checkpoint holds.
  formats::TableCursor at_;
  std::uint64_t updates_ = 0, rows_ = 0;
  std::uint64_t epoch_rows_ = 0, epoch_batches_ = 0;
  std::uint64_t rows_per_epoch_ = 0;    // known after the first
  IteratorStats seen_;                  // as reported last
};

/// Since 1970.
double now_seconds();

/// Times a step under the service's name for it, from construction to destruction.
class Timed {
 public:
  Timed(MetricSink& metrics, const char* name) : metrics_(metrics), name_(name) {}
  ~Timed() { metrics_.timing(name_, 1000 * seconds()); }
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;
  double seconds() const;

 private:
  MetricSink& metrics_;
  const char* name_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace smtrain::job
