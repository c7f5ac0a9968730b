// Streaming k-means with extra centres: Sculley 2010 for the stream, a weighted Lloyd reduction at its end; see
// Liberty et al., SIGMOD 2020, and share/doc/reference/kmeans.md.
//
// Costs per row and epoch: 2 K d operations against 4 d bytes read once; the K d centres stay in cache.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>
#include <utility>

#include "algos/kmeans/course.h"
#include "algos/kmeans/params.h"
#include "algos/kmeans/predictor.h"
#include "algos/kmeans/seeding.h"
#include "algos/kmeans/shrink.h"
#include "algos/kmeans/trainer.h"
#include "base/error.h"
#include "base/signals.h"
#include "base/text.h"
#include "job/shared_rows.h"
#include "job/staging.h"

namespace smtrain::kmeans {
namespace {

using compute::DType;
using compute::Mat;
using formats::Batch;

constexpr std::int64_t kMaxAutoFactor = 10;
constexpr std::int64_t kAutoTrials = 10;
constexpr std::uint64_t kReportEvery = 10;  // iterations between measurements of the short and long term msd

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// Times a step under the service's name for it.
class Timed {
 public:
  Timed(job::MetricSink& metrics, const char* name) : metrics_(metrics), name_(name) {}
  ~Timed() { metrics_.timing(name_, 1000 * seconds()); }
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  job::MetricSink& metrics_;
  const char* name_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

class Trainer {
 public:
  Trainer(job::Context& context, job::Settings& settings)
      : context_(context), settings_(settings), params_(settings.as<Params>()), workers_(context.communicator()), backend_(context.backend()),
        queue_(backend_.main_queue()), staging_(backend_) {}

  std::unique_ptr<job::Predictor> run() {
    open();
    start();
    stopped_ = !safe_point();
    while (epoch() < params_.epochs && !stopped_) train_epoch();
    std::unique_ptr<KMeansPredictor> model = finish();
    score(*model);
    return model;
  }

 private:
  void open();
  void read_first_mini_batch();
  std::size_t resolve_factor();
  void start();
  std::vector<float> choose_centers();
  void start_from_model();
  void start_from_checkpoint();
  void resolve_factor_to(std::size_t factor);
  std::int64_t epoch() const { return course_.at.epoch; }
  void check_memory() const;
  void allocate();
  void train_epoch();
  bool next(Batch& batch);
  void step(const Batch& batch);
  void combine();
  void update();
  void save(job::State& state) const;
  bool safe_point();
  bool closing_point(std::string_view phase);
  void report_iteration();
  void report_epoch(double seconds);
  std::unique_ptr<KMeansPredictor> finish();
  Shrunk shrink_together(const StreamState& state);
  Shrunk shrink_to_model(const StreamState& state, const std::function<bool()>& poll);
  double data_msd() const;
  void report_train(double msd);
  void score(const KMeansPredictor& model);
  bool measure(const KMeansPredictor& model, double& ssd, double& rows);
  RandomStream random(std::string_view name) const {
    return params_.seed ? RandomStream(static_cast<std::uint64_t>(*params_.seed), name) : context_.random(name);
  }

  job::Context& context_;
  job::Settings& settings_;
  const Params params_;
  dist::Communicator& workers_;
  compute::Backend& backend_;
  compute::Queue& queue_;
  job::DenseStaging staging_;

  std::unique_ptr<formats::TableStream> stream_;
  std::vector<Batch> first_;       // pieces of the first mini-batch, read before its epoch
  std::size_t first_rows_ = 0;
  std::size_t d_ = 0, k_ = 0, streaming_k_ = 0;

  Mat centers_, weights_, sums_, counts_, loss_;
  std::unique_ptr<compute::Backend::Centers> prepared_;

  Course course_;
  bool stopped_ = false;           // a model of what there is, is asked for
  bool first_epoch_ = true;        // of this process: the stream stands where it begins
  std::size_t batch_rows_ = 0;     // of the mini-batch under way, of this process until update() adds the others'
  std::vector<double> host_;       // scratch of combine()
  bool measures_ = false;          // this mini-batch's loss is wanted
  std::optional<Shrunk> shrunk_;
};

void Trainer::open() {
  const Timed timed(context_.metrics(), "initialize.time");
  k_ = static_cast<std::size_t>(params_.k);
  const bool resumes = context_.resumed() != nullptr;
  if (resumes) course_.restore(*context_.resumed());
  // Of a run whose epochs are done the data are looked at, to see that they are the same, and not read.
  stream_ = context_.open_table("train", {static_cast<std::size_t>(params_.mini_batch_size), params_.epochs,
                                          static_cast<std::size_t>(params_.feature_dim),
                                          epoch() < params_.epochs ? course_.at : formats::TableCursor{}});
  d_ = stream_->schema().feature_dim;
  settings_.resolve_auto("feature_dim", std::to_string(d_));
  if (!resumes) read_first_mini_batch();
}

void Trainer::read_first_mini_batch() {
  Batch batch;
  while (stream_->next(batch)) {
    first_rows_ += batch.rows;
    first_.push_back(batch);
    if (batch.completes_mini_batch) break;
  }
  double rows = static_cast<double>(first_rows_);
  workers_.allreduce(std::span(&rows, 1));
  first_rows_ = static_cast<std::size_t>(rows);
  if (first_rows_ < static_cast<std::size_t>(params_.mini_batch_size)) {
    context_.log().warning("mini_batch_size {} is larger than the data: the first mini-batch holds {} rows", params_.mini_batch_size,
                           first_rows_);
  }
  job::IteratorStats& seen = course_.seen;
  seen.meta = "init_train_data_iter";
  seen.total_records = seen.max_records_between_resets = seen.records_since_reset = first_rows_;
  seen.total_batches = seen.max_batches_between_resets = seen.batches_since_reset = 1;
  seen.resets = 1;
  seen.start_time = now_seconds();
  context_.metrics().iterator(seen);
}

std::size_t Trainer::resolve_factor() {
  const std::size_t fits = first_rows_ / k_;
  if (fits == 0) {
    throw user_error("hyperparameter k: {} clusters need at least {} rows in the first mini-batch; it holds {} (mini_batch_size {}); "
                     "lower k, or give more rows", k_, k_, first_rows_, params_.mini_batch_size);
  }
  if (params_.extra_center_factor) {
    const auto factor = static_cast<std::size_t>(*params_.extra_center_factor);
    if (factor > fits) {
      throw user_error("hyperparameter extra_center_factor: {} × {} centres need {} rows in the first mini-batch; it holds {}; the "
                       "largest factor that fits is {}", factor, k_, factor * k_, first_rows_, fits);
    }
    return factor;
  }
  const std::size_t factor = std::min<std::size_t>(fits, kMaxAutoFactor);
  resolve_factor_to(factor);
  return factor;
}

void Trainer::resolve_factor_to(std::size_t factor) {
  if (params_.extra_center_factor) return;
  context_.log().info("'extra_center_factor' was set to 'auto', evaluated to {}.", factor);
  settings_.resolve_auto("extra_center_factor", std::to_string(factor));
}

void Trainer::start() {
  const Timed timed(context_.metrics(), "initialize.time");
  if (context_.resumed() != nullptr) {
    start_from_checkpoint();
  } else if (context_.start_model() != nullptr) {
    start_from_model();
  } else {
    streaming_k_ = resolve_factor() * k_;
    check_memory();
    allocate();
    const std::vector<float> chosen = choose_centers();
    backend_.write(queue_, centers_, chosen.data());
    backend_.zero(queue_, weights_);
  }
  if (!params_.local_lloyd_num_trials) settings_.resolve_auto("local_lloyd_num_trials", std::to_string(kAutoTrials));
}

// The first process decides where the centres start, by the first mini-batch of all.
std::vector<float> Trainer::choose_centers() {
  std::vector<float> chosen(streaming_k_ * d_);
  const std::vector<Batch> rows = job::collect_rows(first_, workers_);
  if (workers_.is_root()) {
    const Candidates candidates(backend_, rows);
    RandomStream draws = random("kmeans.init");
    chosen = params_.init_method == Init::random ? candidates.choose_random(streaming_k_, draws)
                                                 : candidates.choose_plus_plus(streaming_k_, draws, throw_if_stopped);
  }
  workers_.broadcast(std::as_writable_bytes(std::span(chosen)), 0);
  return chosen;
}

void Trainer::start_from_model() {
  const std::unique_ptr<KMeansPredictor> before = load(*context_.start_model());
  if (before->feature_dim() != d_) {
    throw user_error("--model: was trained on {} features, the train channel has {}", before->feature_dim(), d_);
  }
  if (before->k() != k_) {
    throw user_error("hyperparameter k: is {}, but the start model has {} clusters; give k={}", k_, before->k(), before->k());
  }
  StreamState state = before->stream();
  if (state.counts.empty()) state = {before->centers(), before->counts()};
  if (state.counts.empty()) {
    context_.log().info("the start model tells no cluster sizes: its centres are where training starts, without weight of their own");
    state.counts.assign(k_, 0.0);
  }
  streaming_k_ = state.counts.size();
  const std::size_t factor = streaming_k_ / k_;
  if (params_.extra_center_factor && static_cast<std::size_t>(*params_.extra_center_factor) != factor) {
    throw user_error("hyperparameter extra_center_factor: is {}, but the start model keeps {} centres for {} clusters; give {} or auto",
                     *params_.extra_center_factor, streaming_k_, k_, factor);
  }
  resolve_factor_to(factor);
  check_memory();
  allocate();
  backend_.write(queue_, centers_, state.centers.data());
  backend_.write(queue_, weights_, state.counts.data());
}

void Trainer::start_from_checkpoint() {
  const job::State& state = *context_.resumed();
  streaming_k_ = state.count("streaming_k");
  resolve_factor_to(streaming_k_ / k_);
  check_memory();
  allocate();
  backend_.write(queue_, centers_, state.f32("centers", {streaming_k_, d_}).data());
  backend_.write(queue_, weights_, state.f64("weights", {streaming_k_}).data());
  if (state.has("shrunk.centers")) {
    shrunk_ = Shrunk{state.f32("shrunk.centers", {k_, d_}), state.f64("shrunk.counts", {k_}), state.number("shrunk.msd")};
  }
}

void Trainer::check_memory() const {
  const double per_center = static_cast<double>(d_) * (2 * sizeof(float) + 2 * sizeof(double)) + 3 * sizeof(double);
  const double need = per_center * static_cast<double>(streaming_k_);
  if (need > static_cast<double>(context_.memory_limit())) {
    throw user_error("{} centres of {} features need {} of memory; the limit is {}: lower k or extra_center_factor, or raise "
                     "--memory-limit", streaming_k_, d_, format_bytes(static_cast<std::uint64_t>(need)),
                     format_bytes(context_.memory_limit()));
  }
}

void Trainer::allocate() {
  centers_ = backend_.allocate(streaming_k_, d_, DType::f32);
  weights_ = backend_.allocate(streaming_k_, 1, DType::f64);
  sums_ = backend_.allocate(streaming_k_, d_, DType::f64);
  counts_ = backend_.allocate(streaming_k_, 1, DType::f64);
  loss_ = backend_.allocate(1, 1, DType::f64);
  prepared_ = backend_.make_centers(streaming_k_, d_);
  for (const Mat& m : {sums_, counts_, loss_}) backend_.zero(queue_, m);
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

std::unique_ptr<KMeansPredictor> Trainer::finish() {
  const Timed timed(context_.metrics(), "finalize.time");
  StreamState state{std::vector<float>(streaming_k_ * d_), std::vector<double>(streaming_k_)};
  backend_.read(queue_, state.centers.data(), centers_);
  backend_.read(queue_, state.counts.data(), weights_);
  if (streaming_k_ == k_) {
    context_.log().detail("No shrinking is required as extra_center_factor is 1.");
    report_train(data_msd());
    return std::make_unique<KMeansPredictor>(state.centers, state.counts, d_, state);
  }
  if (!shrunk_) shrunk_ = shrink_together(state);
  report_train(shrunk_->msd);
  return std::make_unique<KMeansPredictor>(shrunk_->centers, shrunk_->counts, d_, std::move(state));
}

// The first process shrinks, since others may have another CPU and other last digits; they follow it from safe point to safe point.
Shrunk Trainer::shrink_together(const StreamState& state) {
  const auto poll = [&] { return closing_point("shrinking"); };
  if (workers_.size() == 1) return shrink_to_model(state, poll);
  const auto tell = [&](char goes_on) {
    workers_.broadcast(std::as_writable_bytes(std::span(&goes_on, 1)), 0);
    return goes_on != 0;
  };
  Shrunk shrunk{std::vector<float>(k_ * d_), std::vector<double>(k_), 0};
  if (workers_.is_root()) {
    shrunk = shrink_to_model(state, [&] { return tell(1) && poll(); });
    tell(0);
  } else {
    while (tell(0)) (void)poll();
  }
  for (const std::span<std::byte> part : {std::as_writable_bytes(std::span(shrunk.centers)), std::as_writable_bytes(std::span(shrunk.counts)),
                                          std::span<std::byte>(std::as_writable_bytes(std::span(&shrunk.msd, 1)))}) {
    workers_.broadcast(part, 0);
  }
  return shrunk;
}

Shrunk Trainer::shrink_to_model(const StreamState& state, const std::function<bool()>& poll) {
  context_.log().detail("shrinking {} centers into {}", streaming_k_, k_);
  const Timed shrinking(context_.metrics(), "_shrink.time");
  const LloydOptions options{k_, params_.local_lloyd_init_method, params_.local_lloyd_max_iter,
                             params_.local_lloyd_num_trials.value_or(kAutoTrials), params_.local_lloyd_tol};
  Shrunk shrunk = shrink(
      backend_, state.centers, state.counts, d_, options, random("kmeans.lloyd"),
      [&](std::int64_t trial, double msd) {
        context_.log().detail("local kmeans attempt #{}. Current mean square distance {:.6f}", trial, msd);
      },
      poll);
  context_.log().detail("finished shrinking process. Mean Square Distance = {:.0f}", shrunk.msd);
  return shrunk;
}

// Of a run that was stopped early the last epoch may not have begun.
double Trainer::data_msd() const { return (course_.last_epoch.weight > 0 ? course_.last_epoch : course_.long_term).value(); }

void Trainer::report_train(double msd) {
  if (std::exchange(course_.reported, true)) return;
  context_.metrics().quality({"train", "msd", msd, true, {}, {}});
  context_.metrics().quality({"train", "data_msd", data_msd(), true, {}, {}});
}

void Trainer::score(const KMeansPredictor& model) {
  if (!context_.has_channel("test")) {
    context_.log().detail("Test data is not provided.");
    return;
  }
  const Timed timed(context_.metrics(), "score.time");
  double ssd = 0, rows = 0;
  if (stopped_ || !measure(model, ssd, rows)) {
    context_.log().info("the test channel is not scored: the run was stopped");
    return;
  }
  for (const std::string& name : params_.eval_metrics) {
    context_.metrics().quality({"test", name, name == "ssd" ? ssd : ssd / std::max(rows, 1.0), true, {}, {}});
  }
}

// Squared distances of the test channel; false when a stop leaves no time for them.
bool Trainer::measure(const KMeansPredictor& model, double& ssd, double& rows) {
  const std::unique_ptr<job::Predictor::Scratch> scratch = model.make_scratch(backend_);
  formats::Prediction prediction;
  try {
    auto test = context_.open_table("test", {static_cast<std::size_t>(params_.mini_batch_size), 1, d_});
    for (Batch batch; test->next(batch);) {
      model.predict(backend_, batch, *scratch, prediction);
      for (float distance : prediction.columns[1].values) ssd += static_cast<double>(distance) * distance;
      rows += static_cast<double>(batch.rows);
      if (!closing_point("test")) return false;
    }
    double sums[] = {ssd, rows};
    workers_.allreduce(sums);
    ssd = sums[0];
    rows = sums[1];
  } catch (const Error& error) {
    if (error.fault() != Fault::interrupted || workers_.size() > 1) throw;
    (void)closing_point("test");  // ends the run, but for one whose model is wanted
    if (stop_signal() == 0) throw;
    return false;
  }
  return true;
}

}  // namespace

std::unique_ptr<job::Predictor> train(job::Context& context, job::Settings& settings) { return Trainer(context, settings).run(); }

}  // namespace smtrain::kmeans
