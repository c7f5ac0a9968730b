#include "job/passes.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/signals.h"

namespace smtrain::job {
namespace {

using formats::Batch;

std::uint64_t bytes_of(const Batch& batch) {
  if (batch.rows == 0) return 0;
  if (!batch.sparse()) return batch.rows * batch.cols * sizeof(float);
  return (batch.indptr[batch.rows] - batch.indptr[0]) * (sizeof(float) + sizeof(std::uint32_t));
}

// Names each count once for both directions.
template <class Visit>
void each_count(Visit visit, auto& updates, auto& rows, auto& epoch_rows, auto& epoch_batches, auto& rows_per_epoch, auto& seen) {
  visit("passes.updates", updates);
  visit("passes.rows", rows);
  visit("passes.epoch_rows", epoch_rows);
  visit("passes.epoch_batches", epoch_batches);
  visit("passes.rows_per_epoch", rows_per_epoch);
  visit("passes.seen.total_records", seen.total_records);
  visit("passes.seen.total_batches", seen.total_batches);
  visit("passes.seen.max_records", seen.max_records_between_resets);
  visit("passes.seen.max_batches", seen.max_batches_between_resets);
  visit("passes.seen.resets", seen.resets);
  visit("passes.seen.records", seen.records_since_reset);
  visit("passes.seen.batches", seen.batches_since_reset);
}

}  // namespace

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

double Timed::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

// Of a run whose epochs are done the data are looked at, to see that they are the same, and not read.
Passes::Passes(Context& context, const PassPlan& plan) : context_(context), plan_(plan) {
  if (resumes()) restore(*context_.resumed());
  stream_ = context_.open_table(
      plan_.channel,
      {plan_.mini_batch_size, plan_.epochs + plan_.replays, plan_.feature_dim, done() ? formats::TableCursor{} : at_});
}

std::span<const Batch> Passes::peek(std::uint64_t rows, std::uint64_t bytes) {
  std::uint64_t held = 0;
  double sums[] = {0, 0};  // rows of all processes; processes that hold enough bytes
  while (sums[0] < static_cast<double>(rows) && sums[1] == 0 && !exhausted_) {
    Batch batch;
    do {
      exhausted_ = !stream_->next(batch);
      if (exhausted_) break;
      peeked_rows_ += batch.rows;
      held += bytes_of(batch);
      peeked_.push_back(batch);
      behind_.push_back(stream_->cursor());
    } while (!batch.completes_mini_batch);
    if (!exhausted_) ++seen_.total_batches;
    sums[0] = static_cast<double>(peeked_rows_);
    sums[1] = held >= bytes ? 1 : 0;
    context_.communicator().allreduce(sums);
  }
  peeked_rows_ = static_cast<std::uint64_t>(sums[0]);
  report_peek();
  return peeked_;
}

void Passes::report_peek() {
  seen_.meta = "init_train_data_iter";
  seen_.total_records = seen_.max_records_between_resets = seen_.records_since_reset = peeked_rows_;
  seen_.max_batches_between_resets = seen_.batches_since_reset = seen_.total_batches;
  seen_.resets = 1;
  seen_.start_time = now_seconds();
  context_.metrics().iterator(seen_);
}

void Passes::run(Learner& learner) {
  stopped_ = !safe_point(learner);
  while (!done() && !stopped_) train_epoch(learner);
}

void Passes::train_epoch(Learner& learner) {
  const double began = now_seconds();
  double seconds = 0;
  {
    const Timed timed(context_.metrics(), "update.time");
    if (!std::exchange(stands_at_start_, false)) stream_->next_epoch();
    learner.begin_epoch(at_.epoch);
    for (std::size_t i = 0; i < peeked_.size() && !stopped_; ++i) take(learner, std::exchange(peeked_[i], {}), behind_[i]);
    peeked_.clear();
    behind_.clear();
    if (!std::exchange(exhausted_, false)) {
      for (Batch batch; !stopped_ && next(learner, batch);) take(learner, batch, stream_->cursor());
    }
    seconds = timed.seconds();
  }
  if (stopped_) return;
  report_epoch(began, seconds);
  const bool goes_on = learner.end_epoch(at_.epoch);
  rows_per_epoch_ = epoch_rows_;
  epoch_rows_ = epoch_batches_ = 0;
  at_ = {goes_on ? at_.epoch + 1 : plan_.epochs, 0};
}

// A stop that comes while the stream waits for data drops the mini-batch under way: the learner has not moved since the last safe
// point.
bool Passes::next(const Learner& learner, Batch& batch) {
  try {
    return stream_->next(batch);
  } catch (const Error& error) {
    // Other processes, if there are any, do not wait at a safe point now.
    if (error.fault() != Fault::interrupted || context_.communicator().size() > 1 || safe_point(learner)) throw;
    stopped_ = true;
    return false;
  }
}

void Passes::take(Learner& learner, const Batch& batch, const formats::TableCursor& behind) {
  learner.take(batch);
  batch_rows_ += batch.rows;
  if (!batch.completes_mini_batch) return;
  const std::uint64_t rows = learner.update(std::exchange(batch_rows_, 0));
  ++updates_;
  ++epoch_batches_;
  rows_ += rows;
  epoch_rows_ += rows;
  at_ = behind;
  stopped_ = !safe_point(learner);
}

void Passes::report_epoch(double began, double seconds) {
  seen_.meta = "training_data_iter";
  seen_.epoch = at_.epoch;
  seen_.start_time = began;
  seen_.resets += 1;
  seen_.total_records += epoch_rows_;
  seen_.total_batches += epoch_batches_;
  seen_.records_since_reset = epoch_rows_;
  seen_.batches_since_reset = epoch_batches_;
  seen_.max_records_between_resets = std::max(seen_.max_records_between_resets, epoch_rows_);
  seen_.max_batches_between_resets = std::max(seen_.max_batches_between_resets, epoch_batches_);
  MetricSink& metrics = context_.metrics();
  context_.log().detail("processed a total of {} examples", epoch_rows_);
  metrics.epochs_completed(at_.epoch + 1, plan_.epochs);
  metrics.iterator(seen_);
  metrics.throughput(seconds > 0 ? static_cast<double>(epoch_rows_) / seconds : 0, at_.epoch);
  metrics.flush_timings(at_.epoch);
}

// Of the whole run; negative when nobody knows.
double Passes::fraction() const {
  double in_epoch = -1;
  if (rows_per_epoch_ > 0) {
    in_epoch = static_cast<double>(epoch_rows_) / static_cast<double>(rows_per_epoch_);
  } else if (const auto total = stream_->bytes_total()) {
    in_epoch = static_cast<double>(stream_->bytes_consumed()) / static_cast<double>(std::max<std::uint64_t>(*total, 1));
  }
  if (in_epoch < 0) return -1;
  return (static_cast<double>(at_.epoch) + std::min(in_epoch, 1.0)) / static_cast<double>(plan_.epochs);
}

// `phase`: what is shown; empty: the epoch.
bool Passes::safe_point(const Learner& learner, std::string_view phase) {
  if (done()) return closing_point(learner, phase.empty() ? "finishing" : phase);
  const std::string shown = phase.empty() ? fmt::format("epoch {}/{}", at_.epoch + 1, plan_.epochs) : std::string(phase);
  return context_.safe_point({shown, fraction(), rows_, learner.loss()}, [&](State& state) { save(learner, state); });
}

bool Passes::closing_point(const Learner& learner, std::string_view phase) {
  return context_.safe_point({phase, 1.0, rows_, std::nullopt, true}, [&](State& state) { save(learner, state); });
}

// Runs work that waits for data; false when a stop asks for a model of what there is.
bool Passes::unless_stopped(const Learner& learner, std::string_view phase, const std::function<bool()>& work) {
  try {
    stopped_ = !work();
  } catch (const Error& error) {
    if (error.fault() != Fault::interrupted || context_.communicator().size() > 1) throw;
    (void)safe_point(learner, phase);  // ends the run, but for one whose model is wanted
    if (stop_signal() == 0) throw;
    stopped_ = true;
  }
  return !stopped_;
}

bool Passes::read_through(const Learner& learner, formats::TableStream& stream, std::string_view phase, const UseBatch& use) {
  return unless_stopped(learner, phase, [&] {
    for (Batch batch; stream.next(batch);) {
      use(batch);
      if (batch.completes_mini_batch && !safe_point(learner, phase)) return false;
    }
    return true;
  });
}

bool Passes::read_channel(const Learner& learner, const std::string& channel, const TableRequest& request, const UseBatch& use) {
  std::unique_ptr<formats::TableStream> stream;
  return unless_stopped(learner, channel, [&] { return stream = context_.open_table(channel, request), true; }) &&
         read_through(learner, *stream, channel, use);
}

bool Passes::replay(const Learner& learner, std::string_view phase, const UseBatch& use) {
  if (!std::exchange(stands_at_start_, false)) stream_->next_epoch();
  return read_through(learner, *stream_, phase, use);
}

void Passes::save(const Learner& learner, State& state) const {
  state.put("passes.epoch", at_.epoch);
  state.put("passes.records", at_.records);
  each_count([&](const char* name, std::uint64_t value) { state.put(name, value); }, updates_, rows_, epoch_rows_, epoch_batches_,
             rows_per_epoch_, seen_);
  learner.save(state);
}

void Passes::restore(const State& state) {
  at_ = {static_cast<std::int64_t>(state.count("passes.epoch")), state.count("passes.records")};
  each_count([&](const char* name, std::uint64_t& value) { value = state.count(name); }, updates_, rows_, epoch_rows_,
             epoch_batches_, rows_per_epoch_, seen_);
}

}  // namespace smtrain::job
