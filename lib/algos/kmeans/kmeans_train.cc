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
  passes_->run(*this);
  std::unique_ptr<KMeansPredictor> model = finish();
  score(*model);
  return model;
}

void Trainer::take(const Batch& piece) {
  if (!std::exchange(under_way_, true)) {
    backend_.refresh(queue_, *prepared_, centers_);
    measures_ = last_epoch() || passes_->updates() % kReportEvery == 0;
  }
  staging_.for_each(piece, [&](const Mat& x, std::size_t first) {
    Mat weights;
    if (piece.weights != nullptr) weights = backend_.stage(queue_, piece.weights + first, x.rows, 1, 1, piece.owner);
    backend_.nearest_sum(queue_, x, weights, *prepared_, {}, sums_, counts_, measures_ ? loss_ : Mat{});
  });
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

// Sums, counts, loss and rows of all processes; returns the rows.
double Trainer::combine(std::uint64_t rows) {
  if (workers_.size() == 1) return static_cast<double>(rows);
  host_.resize(streaming_k_ * d_ + streaming_k_ + 2);
  const std::pair<Mat, double*> parts[] = {
      {sums_, host_.data()}, {counts_, host_.data() + streaming_k_ * d_}, {loss_, host_.data() + host_.size() - 2}};
  for (const auto& [m, values] : parts) backend_.read(queue_, values, m);
  host_.back() = static_cast<double>(rows);
  workers_.allreduce(host_);
  for (const auto& [m, values] : parts) backend_.write(queue_, m, values);
  return host_.back();
}

// The end of a mini-batch: sums of all processes, then the centres move.
std::uint64_t Trainer::update(std::uint64_t own_rows) {
  const double rows = combine(own_rows);
  const double decay =
      params_.half_life_time_size == 0 ? 1.0 : std::exp2(-rows / static_cast<double>(params_.half_life_time_size));
  backend_.blend_means(queue_, sums_, counts_, decay, centers_, weights_);
  if (measures_) {
    double loss = 0;
    backend_.read(queue_, &loss, loss_);
    course_.short_term.add(loss, rows);
    course_.long_term.add(loss, rows);
    if (last_epoch()) course_.last_epoch.add(loss, rows);
  }
  for (const Mat& m : {sums_, counts_, loss_}) backend_.zero(queue_, m);
  under_way_ = false;
  report_iteration(passes_->updates() + 1);
  return static_cast<std::uint64_t>(rows);
}

// Every 10 iterations as the service does, then every 100, 1000, …: logs of long runs stay readable.
void Trainer::report_iteration(std::uint64_t iteration) {
  std::uint64_t every = kReportEvery;
  while (iteration >= 10 * every) every *= 10;
  if (iteration % every != 0) return;
  context_.log().detail("Iter {}: Short term msd {:.6f}. Long term msd {:.6f}", iteration, course_.short_term.value(),
                        course_.long_term.value());
  course_.short_term = {};
}

std::unique_ptr<job::Predictor> train(job::Context& context, job::Settings& settings) { return Trainer(context, settings).run(); }

}  // namespace smtrain::kmeans
