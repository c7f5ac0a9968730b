// From the data to the first centres: of the first mini-batch, of a start model, or of a checkpoint.
#include <algorithm>

#include "algos/kmeans/seeding.h"
#include "algos/kmeans/training.h"
#include "base/error.h"
#include "base/signals.h"
#include "base/text.h"
#include "job/shared_rows.h"

namespace smtrain::kmeans {
namespace {

using compute::DType;
using compute::Mat;
using formats::Batch;

constexpr std::int64_t kMaxAutoFactor = 10;

}  // namespace

void Trainer::open() {
  const job::Timed timed(context_.metrics(), "initialize.time");
  k_ = static_cast<std::size_t>(params_.k);
  passes_.emplace(context_, job::PassPlan{"train", static_cast<std::size_t>(params_.mini_batch_size), params_.epochs,
                                          static_cast<std::size_t>(params_.feature_dim)});
  d_ = passes_->schema().feature_dim;
  settings_.resolve_auto("feature_dim", std::to_string(d_));
  if (passes_->resumes()) {
    course_.restore(*context_.resumed());
  } else {
    first_ = passes_->peek(1);
    first_rows_ = passes_->peeked_rows();
    check_first_mini_batch();
  }
}

void Trainer::check_first_mini_batch() {
  if (first_rows_ >= static_cast<std::size_t>(params_.mini_batch_size)) return;
  context_.log().warning("mini_batch_size {} is larger than the data: the first mini-batch holds {} rows", params_.mini_batch_size,
                         first_rows_);
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
  const job::Timed timed(context_.metrics(), "initialize.time");
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

}  // namespace smtrain::kmeans
