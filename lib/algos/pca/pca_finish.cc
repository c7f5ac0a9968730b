// From the sums to the model and its scores.
#include <algorithm>
#include <utility>

#include "algos/pca/rows.h"
#include "algos/pca/training.h"
#include "base/text.h"

namespace smtrain::pca {
namespace {

using compute::DType;
using compute::Mat;
using formats::Batch;

constexpr std::size_t kFirst = 10, kLast = 3;  // lines of the table of components

// How far rows lie from their reconstruction, and from the mean.
class Residuals {
 public:
  Residuals(compute::Backend& backend, const Components& c)
      : backend_(backend), queue_(backend.main_queue()), d_(c.d), rows_(backend, c.d, std::vector<double>(c.mean.begin(), c.mean.end())),
        vectors_(backend.allocate(c.k(), c.d, DType::f64)) {
    const std::vector<double> vectors(c.vectors.begin(), c.vectors.end());
    backend_.write(queue_, vectors_, vectors.data());
  }

  void add(const Batch& batch) {
    totals[0] += rows_.squares(batch);
    rows_.for_each(batch, [&](const Mat& rows) {
      Mat y = rows;
      y.cols = d_;
      const Mat z = backend_.allocate(y.rows, vectors_.rows, DType::f64);
      backend_.gemm(queue_, false, true, 1, y, vectors_, 0, z);
      backend_.gemm(queue_, false, false, -1, z, vectors_, 1, y);
      host_.resize(y.rows * (d_ + 1));
      backend_.read(queue_, host_.data(), rows);
      for (std::size_t i = 0; i < y.rows; ++i) {
        const double* row = host_.data() + i * (d_ + 1);
        totals[1] += squared_norm(std::span(row, d_));
        totals[2] += row[d_] * row[d_];
      }
    });
  }

  /// Squares about the mean, squares that are left, weight.
  double totals[3] = {0, 0, 0};

 private:
  compute::Backend& backend_;
  compute::Queue& queue_;
  const std::size_t d_;
  ShiftedRows rows_;
  const Mat vectors_;  // (k, d)
  std::vector<double> host_;
};

void publish(job::MetricSink& metrics, const std::string& channel, double total, double left, double weight) {
  metrics.quality({channel, "reconstruction_mse", weight > 0 ? left / weight : 0, true, {}, {}});
  metrics.quality({channel, "explained_variance_ratio", total > 0 ? 1 - left / total : 0, false, {}, {}});
}

}  // namespace

std::unique_ptr<PcaPredictor> Trainer::finish() {
  const job::Timed timed(context_.metrics(), "finalize.time");
  Fit fit = sums_->finish(k_);
  weight_ = fit.moments.weight;
  Components c;
  c.d = d_;
  if (params_.subtract_mean) c.mean.assign(fit.moments.mean.begin(), fit.moments.mean.end());
  c.values = std::move(fit.values);
  c.vectors.assign(fit.components.begin(), fit.components.end());
  c.total = fit.total;
  c.rows = fit.moments.rows;
  c.mode = params_.exact() ? "regular" : "randomized";
  report(c);
  return std::make_unique<PcaPredictor>(std::move(c), std::move(fit.running));
}

void Trainer::report(const Components& c) const {
  Log& log = context_.log();
  log.info("components are in ascending order: the strongest is the last column of v, the last of s and of a projection");
  double sum = 0;
  for (std::size_t i = 0; i < c.k(); ++i) {
    const std::size_t component = c.k() - 1 - i;
    sum += c.share(component);
    if (i >= kFirst && i + kLast < c.k()) continue;
    log.info("component {}: singular value {:.6g}, {:.3f} % of the variance, {:.3f} % with those before", component, c.values[component],
             100 * c.share(component), 100 * sum);
    if (i + 1 == kFirst && c.k() > kFirst + kLast) log.info("... {} more", c.k() - kFirst - kLast);
  }
  log.info("{} keep {:.3f} % of the variance of {}{}", counted(c.k(), "component"), 100 * sum, counted(c.rows, "row"),
           params_.exact() ? "" : ", by the sketch's own estimate, which is a little low");
}

void Trainer::score_train(const Components& c) {
  if (std::exchange(reported_, true)) return;
  double kept = 0;
  for (const double v : c.values) kept += v * v;
  publish(context_.metrics(), "train", c.total, std::max(c.total - kept, 0.0), weight_);
}

void Trainer::score_test(const Components& c) {
  if (!context_.has_channel("test")) {
    context_.log().detail("Test data is not provided.");
    return;
  }
  const job::Timed timed(context_.metrics(), "score.time");
  Residuals residuals(context_.backend(), c);
  if (passes_->stopped() ||
      !passes_->read_channel(*this, "test", {rows_at_once(), 1, d_, {}}, [&](const Batch& batch) { residuals.add(batch); })) {
    context_.log().info("the test channel is not scored: the run was stopped");
    return;
  }
  workers_.allreduce(residuals.totals);
  publish(context_.metrics(), "test", residuals.totals[0], residuals.totals[1], residuals.totals[2]);
}

}  // namespace smtrain::pca
