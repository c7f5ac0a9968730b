// From the last parameters to the model and its scores.
#include <cmath>

#include "algos/factorization_machines/training.h"
#include "base/error.h"

namespace smtrain::fm {
namespace {

// max(f, 0) - f y + ln(1 + e^-|f|)
double cross_entropy(double f, double y) { return std::max(f, 0.0) - f * y + std::log1p(std::exp(-std::abs(f))); }

void add_rows(const formats::Batch& batch, const std::vector<float>& scores, Task task, Tally& tally) {
  for (std::size_t i = 0; i < batch.rows; ++i) {
    const double weight = batch.weights == nullptr ? 1.0 : static_cast<double>(batch.weights[i]);
    const double f = static_cast<double>(scores[i]), y = static_cast<double>(batch.labels[i]);
    if (task == Task::regressor) {
      tally.add_error(weight, f - y);
      tally.loss += weight * (f - y) * (f - y);
    } else {
      tally.add_answer(weight, f >= 0, y == 1);
      tally.loss += weight * cross_entropy(f, y);
    }
  }
}

}  // namespace

std::vector<float> Trainer::host_copy(const compute::Mat& m) const {
  std::vector<float> numbers(m.rows * m.cols);
  backend_.read(queue_, numbers.data(), m);
  return numbers;
}

std::unique_ptr<FmPredictor> Trainer::finish() {
  const job::Timed timed(context_.metrics(), "finalize.time");
  Weights weights{d_, k_, number_at(bias_)};
  *weights.rows = host_copy(p_);
  Moments moments{host_copy(m_), host_copy(v_), number_at(bias_m_), number_at(bias_v_), steps_before_ + updates_};
  return std::make_unique<FmPredictor>(params_.predictor_type, std::move(weights), std::move(moments));
}

void Trainer::score(const FmPredictor& model) {
  if (!context_.has_channel("test")) return;
  const job::Timed timed(context_.metrics(), "score.time");
  const auto scratch = model.make_scratch(backend_);
  std::vector<float> scores;
  Tally tally;
  const auto use = [&](const formats::Batch& batch) {
    if (batch.rows == 0) return;
    if (batch.labels == nullptr || batch.label_width != 1) {
      throw user_error("{}: has {} labels; expected one, to score the model with", batch.where(0), batch.label_width);
    }
    check_labels(batch);
    model.scores(backend_, batch, *scratch, scores);
    add_rows(batch, scores, params_.predictor_type, tally);
  };
  const job::TableRequest request{.mini_batch_size = static_cast<std::size_t>(params_.mini_batch_size), .feature_dim = d_};
  if (passes_->stopped() || !passes_->read_channel(*this, "test", request, use)) {
    context_.log().info("the test channel is not scored: the run was stopped");
    return;
  }
  auto sums = tally.sums();
  workers_.allreduce(sums);
  for (job::Quality& quality : qualities(Tally::of(sums), params_.predictor_type, "test")) {
    quality.also_score = true;
    context_.metrics().quality(quality);
  }
}

}  // namespace smtrain::fm
