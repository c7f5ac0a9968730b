// From the last centres to the model and its scores.
#include <algorithm>
#include <utility>

#include "algos/kmeans/training.h"

namespace smtrain::kmeans {

using formats::Batch;

std::unique_ptr<KMeansPredictor> Trainer::finish() {
  const job::Timed timed(context_.metrics(), "finalize.time");
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
  const auto poll = [&] { return passes_->closing_point(*this, "shrinking"); };
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
  const job::Timed shrinking(context_.metrics(), "_shrink.time");
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
  const job::Timed timed(context_.metrics(), "score.time");
  const std::unique_ptr<job::Predictor::Scratch> scratch = model.make_scratch(backend_);
  formats::Prediction prediction;
  double sums[] = {0, 0};  // squared distances, rows
  const auto add = [&](const Batch& batch) {
    model.predict(backend_, batch, {}, *scratch, prediction);
    for (float distance : prediction.columns[1].values) sums[0] += static_cast<double>(distance) * distance;
    sums[1] += static_cast<double>(batch.rows);
  };
  if (passes_->stopped() || !passes_->read_channel(*this, "test", {static_cast<std::size_t>(params_.mini_batch_size), 1, d_, {}}, add)) {
    context_.log().info("the test channel is not scored: the run was stopped");
    return;
  }
  workers_.allreduce(sums);
  for (const std::string& name : params_.eval_metrics) {
    context_.metrics().quality({"test", name, name == "ssd" ? sums[0] : sums[0] / std::max(sums[1], 1.0), true, {}, {}});
  }
}

}  // namespace smtrain::kmeans
