#include "algos/kmeans/shrink.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "algos/kmeans/seeding.h"

namespace smtrain::kmeans {
namespace {

using compute::DType;
using compute::Mat;

// The points that take part, on the device.
class Lloyd {
 public:
  Lloyd(compute::Backend& backend, std::span<const float> points, std::span<const double> weights, std::size_t d,
        const LloydOptions& options, const std::function<bool()>& poll)
      : backend_(backend), queue_(backend.main_queue()), options_(options), poll_(poll), n_(weights.size()), d_(d),
        points_(points), weights_(weights) {
    x_ = upload(points.data(), n_, d);
    const std::vector<float> w(weights.begin(), weights.end());
    w_ = upload(w.data(), n_, 1);
    ids_ = backend.allocate(n_, 1, DType::i32);
    distances_ = backend.allocate(n_, 1, DType::f32);
    c_ = backend.allocate(options.k, d, DType::f32);
    sums_ = backend.allocate(options.k, d, DType::f64);
    counts_ = backend.allocate(options.k, 1, DType::f64);
    scratch_counts_ = backend.allocate(options.k, 1, DType::f64);
    loss_ = backend.allocate(1, 1, DType::f64);
    prepared_ = backend.make_centers(options.k, d);
    total_weight_ = std::accumulate(weights.begin(), weights.end(), 0.0);
  }

  Shrunk trial(RandomStream& random) {
    const Candidates candidates(backend_, points_, weights_, d_);
    const std::vector<float> start = options_.init == Init::plus_plus ? candidates.choose_plus_plus(options_.k, random, [this] { go_on(); })
                                                                              : candidates.choose_random(options_.k, random);
    backend_.write(queue_, c_, start.data());
    double before = std::numeric_limits<double>::infinity();
    for (std::int64_t i = 0;; ++i) {
      go_on();
      const double ssd = assign();
      const bool settled = ssd == 0 || (i > 0 && (before - ssd) / before <= options_.tolerance);
      if (settled || stopped_ || i == options_.max_iterations) return result(ssd);
      before = ssd;
      average();
    }
  }

  bool stopped() const { return stopped_; }

 private:
  void go_on() { stopped_ = stopped_ || !poll_(); }

  Mat upload(const float* from, std::size_t rows, std::size_t cols) {
    Mat m = backend_.allocate(rows, cols, DType::f32);
    backend_.write(queue_, m, from);
    return m;
  }

  // Sums, counts and loss at the current centres.
  double assign() {
    backend_.refresh(queue_, *prepared_, c_);
    backend_.zero(queue_, sums_);
    backend_.zero(queue_, counts_);
    backend_.zero(queue_, loss_);
    backend_.nearest_sum(queue_, x_, w_, *prepared_, ids_, sums_, counts_, loss_);
    double ssd = 0;
    backend_.read(queue_, &ssd, loss_);
    return ssd;
  }

  void average() {
    std::vector<double> counts(options_.k);
    backend_.read(queue_, counts.data(), counts_);
    backend_.zero(queue_, scratch_counts_);
    backend_.blend_means(queue_, sums_, counts_, 1.0, c_, scratch_counts_);
    if (std::find(counts.begin(), counts.end(), 0.0) != counts.end()) fill_empty(counts);
  }

  void fill_empty(const std::vector<double>& counts) {
    std::vector<float> distance(n_);
    backend_.nearest(queue_, x_, *prepared_, ids_, distances_);
    backend_.read(queue_, distance.data(), distances_);
    std::vector<double> cost(n_);
    for (std::size_t i = 0; i < n_; ++i) cost[i] = weights_[i] * distance[i];
    for (std::size_t j = 0; j < options_.k; ++j) {
      if (counts[j] != 0) continue;
      const auto farthest = std::max_element(cost.begin(), cost.end());
      const std::size_t i = static_cast<std::size_t>(farthest - cost.begin());
      backend_.write(queue_, c_.row_range(j, 1), points_.data() + i * d_);
      *farthest = 0;
    }
  }

  Shrunk result(double ssd) {
    Shrunk out{std::vector<float>(options_.k * d_), std::vector<double>(options_.k), ssd / total_weight_};
    backend_.read(queue_, out.centers.data(), c_);
    backend_.read(queue_, out.counts.data(), counts_);
    return out;
  }

  compute::Backend& backend_;
  compute::Queue& queue_;
  const LloydOptions& options_;
  const std::function<bool()>& poll_;
  bool stopped_ = false;
  std::size_t n_, d_;
  std::span<const float> points_;
  std::span<const double> weights_;
  double total_weight_ = 0;
  Mat x_, w_, ids_, distances_, c_, sums_, counts_, scratch_counts_, loss_;
  std::unique_ptr<compute::Backend::Centers> prepared_;
};

}  // namespace

Shrunk shrink(compute::Backend& backend, std::span<const float> points, std::span<const double> weights, std::size_t d,
              const LloydOptions& options, RandomStream random, const std::function<void(std::int64_t, double)>& on_trial,
              const std::function<bool()>& poll) {
  std::vector<float> kept;
  std::vector<double> kept_weights;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] <= 0) continue;
    kept.insert(kept.end(), points.begin() + i * d, points.begin() + (i + 1) * d);
    kept_weights.push_back(weights[i]);
  }
  const bool enough = kept_weights.size() >= options.k;
  if (!enough) kept_weights.assign(weights.size(), 1.0);
  Lloyd lloyd(backend, enough ? std::span<const float>(kept) : points, kept_weights, d, options, poll);
  Shrunk best;
  for (std::int64_t t = 0; t < options.trials && !lloyd.stopped(); ++t) {
    Shrunk trial = lloyd.trial(random);
    on_trial(t, trial.msd);
    if (t == 0 || trial.msd < best.msd) best = std::move(trial);
  }
  return best;
}

}  // namespace smtrain::kmeans
