// Streaming k-means with extra centres: Sculley 2010 for the stream, a weighted Lloyd reduction at its end; see
// Liberty et al., SIGMOD 2020, and share/doc/reference/kmeans.md.
//
// Costs per row and epoch: 2 K d operations against 4 d bytes read once; the K d centres stay in cache.
#include <algorithm>
#include <cmath>
#include <utility>

#include "algos/kmeans/trainer.h"
#include "algos/kmeans/training.h"
#include "base/error.h"

namespace smtrain::kmeans {
namespace {

using compute::Mat;
using formats::Batch;

constexpr std::uint64_t kReportEvery = 10;  // iterations between measurements of the short and long term msd

}  // namespace

std::unique_ptr<job::Predictor> Trainer::run() {
  open();
  start();
  stopped_ = !safe_point();
  while (epoch() < params_.epochs && !stopped_) train_epoch();
  std::unique_ptr<KMeansPredictor> model = finish();
  score(*model);
  return model;
}

void Trainer::train_epoch() {
  const double began = now_seconds();
  double seconds = 0;
  {
    const Timed timed(context_.metrics(), "update.time");
    if (!first_epoch_) stream_->next_epoch();
    first_epoch_ = false;
    for (const Batch& batch : std::exchange(first_, {})) step(batch);
    for (Batch batch; !stopped_ && next(batch);) step(batch);
    seconds = timed.seconds();
  }
  if (stopped_) return;
  const std::uint64_t rows = course_.epoch_rows, batches = course_.epoch_batches;
  job::IteratorStats& seen = course_.seen;
  seen.meta = "training_data_iter";
  seen.epoch = epoch();
  seen.start_time = began;
  seen.resets += 1;
  seen.total_records += rows;
  seen.total_batches += batches;
  seen.records_since_reset = rows;
  seen.batches_since_reset = batches;
  seen.max_records_between_resets = std::max(seen.max_records_between_resets, rows);
  seen.max_batches_between_resets = std::max(seen.max_batches_between_resets, batches);
  course_.rows_per_epoch = rows;
  report_epoch(seconds);
  course_.epoch_rows = course_.epoch_batches = 0;
  course_.at = {epoch() + 1, 0};
}

// A stop that comes while the stream waits for data drops the mini-batch under way: the centres have not moved since the last
// safe point.
bool Trainer::next(Batch& batch) {
  try {
    return stream_->next(batch);
  } catch (const Error& error) {
    // Other processes, if there are any, do not wait at a safe point now.
    if (error.fault() != Fault::interrupted || workers_.size() > 1 || safe_point()) throw;
    stopped_ = true;
    return false;
  }
}

void Trainer::step(const Batch& batch) {
  if (batch_rows_ == 0) {
    backend_.refresh(queue_, *prepared_, centers_);
    measures_ = epoch() + 1 == params_.epochs || course_.iteration % kReportEvery == 0;
  }
  std::size_t used = 0;
  staging_.for_each(batch, [&](const Mat& x, std::size_t first) {
    Mat weights;
    if (batch.weights != nullptr) {
      weights = backend_.stage(queue_, batch.weights + first, x.rows, 1, 1, batch.owner);
    }
    backend_.nearest_sum(queue_, x, weights, *prepared_, {}, sums_, counts_, measures_ ? loss_ : Mat{});
    used += x.rows;
  });
  batch_rows_ += used;
  if (!batch.completes_mini_batch) return;
  update();
  stopped_ = !safe_point();
}

void Trainer::save(job::State& state) const {
  course_.save(state);
  std::vector<float> centers(streaming_k_ * d_);
  std::vector<double> weights(streaming_k_);
  backend_.read(queue_, centers.data(), centers_);
  backend_.read(queue_, weights.data(), weights_);
  state.put("streaming_k", std::uint64_t{streaming_k_});
  state.put("centers", {streaming_k_, d_}, centers);
  state.put("weights", {streaming_k_}, weights);
  if (!shrunk_) return;
  state.put("shrunk.centers", {k_, d_}, shrunk_->centers);
  state.put("shrunk.counts", {k_}, shrunk_->counts);
  state.put("shrunk.msd", shrunk_->msd);
}

bool Trainer::safe_point() {
  if (epoch() == params_.epochs) return closing_point("shrinking");
  const std::string phase = fmt::format("epoch {}/{}", epoch() + 1, params_.epochs);
  double in_epoch = -1;
  if (course_.rows_per_epoch > 0) {
    in_epoch = static_cast<double>(course_.epoch_rows) / static_cast<double>(course_.rows_per_epoch);
  } else if (stream_->bytes_total()) {
    in_epoch = static_cast<double>(stream_->bytes_consumed()) / static_cast<double>(std::max<std::uint64_t>(*stream_->bytes_total(), 1));
  }
  const double done = in_epoch < 0 ? -1 : (static_cast<double>(epoch()) + std::min(in_epoch, 1.0)) / static_cast<double>(params_.epochs);
  return context_.safe_point({phase, done, course_.rows, course_.long_term.value()}, [this](job::State& state) { save(state); });
}

bool Trainer::closing_point(std::string_view phase) {
  return context_.safe_point({phase, 1.0, course_.rows, std::nullopt, true}, [this](job::State& state) { save(state); });
}

// Sums, counts, loss and rows of all processes.
void Trainer::combine() {
  host_.resize(streaming_k_ * d_ + streaming_k_ + 2);
  const std::pair<Mat, double*> parts[] = {
      {sums_, host_.data()}, {counts_, host_.data() + streaming_k_ * d_}, {loss_, host_.data() + host_.size() - 2}};
  for (const auto& [m, values] : parts) backend_.read(queue_, values, m);
  host_.back() = static_cast<double>(batch_rows_);
  workers_.allreduce(host_);
  for (const auto& [m, values] : parts) backend_.write(queue_, m, values);
  batch_rows_ = static_cast<std::size_t>(host_.back());
}

// The end of a mini-batch: sums of all processes, then the centres move.
void Trainer::update() {
  if (workers_.size() > 1) combine();
  const double decay = params_.half_life_time_size == 0
                           ? 1.0
                           : std::exp2(-static_cast<double>(batch_rows_) / static_cast<double>(params_.half_life_time_size));
  backend_.blend_means(queue_, sums_, counts_, decay, centers_, weights_);
  if (measures_) {
    double loss = 0;
    backend_.read(queue_, &loss, loss_);
    const double rows = static_cast<double>(batch_rows_);
    course_.short_term.add(loss, rows);
    course_.long_term.add(loss, rows);
    if (epoch() + 1 == params_.epochs) course_.last_epoch.add(loss, rows);
  }
  for (const Mat& m : {sums_, counts_, loss_}) backend_.zero(queue_, m);
  ++course_.iteration;
  course_.rows += batch_rows_;
  course_.epoch_rows += batch_rows_;
  ++course_.epoch_batches;
  course_.at = stream_->cursor();
  report_iteration();
  batch_rows_ = 0;
}

// Every 10 iterations as the service does, then every 100, 1000, …: logs of long runs stay readable.
void Trainer::report_iteration() {
  std::uint64_t every = kReportEvery;
  while (course_.iteration >= 10 * every) every *= 10;
  if (course_.iteration % every != 0) return;
  context_.log().detail("Iter {}: Short term msd {:.6f}. Long term msd {:.6f}", course_.iteration, course_.short_term.value(),
                        course_.long_term.value());
  course_.short_term = {};
}

void Trainer::report_epoch(double seconds) {
  job::MetricSink& metrics = context_.metrics();
  const std::uint64_t rows = course_.seen.records_since_reset;
  context_.log().detail("processed a total of {} examples", rows);
  metrics.epochs_completed(epoch() + 1, params_.epochs);
  metrics.iterator(course_.seen);
  metrics.throughput(seconds > 0 ? static_cast<double>(rows) / seconds : 0, epoch());
  metrics.flush_timings(epoch());
}

std::unique_ptr<job::Predictor> train(job::Context& context, job::Settings& settings) { return Trainer(context, settings).run(); }

}  // namespace smtrain::kmeans
