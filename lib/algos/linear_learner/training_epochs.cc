// The epochs: gradients and steps, and what an epoch has come to.
#include <algorithm>
#include <bit>
#include <cmath>

#include "algos/linear_learner/labels.h"
#include "algos/linear_learner/training.h"
#include "base/error.h"

namespace smtrain::linear {

using formats::Batch;

// The mean of the weights covers the later half of the run, at least: it begins anew with epochs 1, 2, 4, 8, ...
void Trainer::begin_epoch(std::int64_t epoch) {
  const auto number = static_cast<std::uint64_t>(epoch);
  if (std::has_single_bit(number) && passes_->epoch_rows() == 0) ensemble_->begin_average();
}

void Trainer::take(const Batch& piece) {
  check_labels(params_, piece);
  ensemble_->take(piece);
}

std::uint64_t Trainer::update(std::uint64_t rows) { return ensemble_->update(rows); }

bool Trainer::end_epoch(std::int64_t epoch) {
  std::vector<double> losses = ensemble_->take_losses();
  const double rows = static_cast<double>(std::max<std::uint64_t>(passes_->epoch_rows(), 1));
  for (double& loss : losses) loss *= class_unit_ / rows;
  shown_loss_ = losses.front();
  report_epoch(epoch, "train", losses);
  std::vector<Verdict> verdicts = judge(losses);
  if (validates()) {
    const auto read = [&](const job::UseBatch& use) { return passes_->read_through(*this, validation(epoch), "validation", use); };
    std::optional<std::vector<Verdict>> judged = judge_rows("validation", read, &losses);
    if (!judged) return true;  // the run is stopped
    verdicts = std::move(*judged);
    report_epoch(epoch, "validation", losses);
  }
  warn_of_broken(verdicts, epoch);
  return judge_epoch(epoch, verdicts);
}

// The line of the epoch is that of the first model, as the service has it; those of all are for logs of every detail.
void Trainer::report_epoch(std::int64_t epoch, const std::string& channel, const std::vector<double>& losses) {
  const std::string name = objective_name(loss_of(params_));
  job::MetricSink& metrics = context_.metrics();
  for (std::size_t m = 0; m < losses.size(); ++m) {
    job::Quality quality{channel, name, losses[m], true, epoch, {}};
    quality.model = static_cast<std::int64_t>(m);
    metrics.quality(quality);
  }
  job::Quality quality{channel, name, losses.front(), true, epoch, {}};
  quality.published = "objective_loss";
  metrics.quality(quality);
}

void Trainer::warn_of_broken(const std::vector<Verdict>& verdicts, std::int64_t epoch) {
  const auto broken = static_cast<std::size_t>(std::count_if(verdicts.begin(), verdicts.end(), [](const Verdict& v) { return !v.usable; }));
  if (broken > broken_ && broken < verdicts.size()) {
    context_.log().warning("epoch {}: the loss of {} of {} models is not finite; they are left out", epoch + 1, broken, verdicts.size());
  }
  broken_ = broken;
}

// Rows whose scores by all models are kept for their thresholds.
std::uint64_t Trainer::calibration_rows() const {
  constexpr std::uint64_t most = std::uint64_t{512} << 20;
  const std::uint64_t fit = CalibrationSample::rows_within(std::min(most, context_.memory_limit() / 4), models(), backend_.device().threads);
  return std::min(fit, static_cast<std::uint64_t>(params_.num_calibration_samples.value_or(10'000'000)));
}

// Every model on rows that `read` hands out, and the mean losses; nothing when the run was stopped meanwhile. Collective.
std::optional<std::vector<Verdict>> Trainer::judge_rows(const std::string& channel, const Reading& read, std::vector<double>* losses) {
  std::vector<double> sums(models() + 1, 0.0);  // the last: rows
  std::optional<CalibrationSample> sample;
  if (is_binary()) sample.emplace(loss_of(params_), models(), calibration_rows());
  std::vector<float> scores;
  const bool whole = read([&](const Batch& batch) {
    if (batch.rows == 0) return;
    check_labels(params_, batch);
    ensemble_->evaluate(batch, std::span(sums).first(models()), scores);
    if (sample) sample->add(scores.data(), batch.rows, models(), batch.labels);
    sums.back() += static_cast<double>(batch.rows);
  });
  if (!whole) return std::nullopt;
  workers_.allreduce(sums);
  for (std::size_t m = 0; m < models(); ++m) sums[m] *= class_unit_ / std::max(sums.back(), 1.0);
  sums.pop_back();
  if (losses != nullptr) *losses = sums;
  if (!sample) return judge(sums);
  sample->gather(workers_);
  calibrated_on_ = {sample->rows(), sample->positives(), channel};
  return calibrate(*sample, target_, sums, backend_.device().threads);
}

formats::TableStream& Trainer::validation(std::int64_t epoch) {
  if (validation_ == nullptr) {
    const auto mini_batch = static_cast<std::size_t>(params_.mini_batch_size);
    validation_ = context_.open_table("validation", {mini_batch, params_.epochs + 2, shape_.d, {epoch, 0}});
    check_labels_there("validation", validation_->schema());
  } else {
    validation_->next_epoch();
  }
  return *validation_;
}

void Trainer::keep(std::size_t model, const Weights& weights, const Weights& average, const Verdict& verdict) {
  if (!best_) {
    best_ = weights;
    best_average_ = average;
    best_verdicts_.assign(models(), {});
  }
  const auto copy = [&](const std::vector<float>& from, std::vector<float>& to) {
    for (std::size_t i = model; i < from.size(); i += models()) to[i] = from[i];
  };
  copy(weights.theta, best_->theta);
  copy(weights.bias, best_->bias);
  copy(average.theta, best_average_->theta);
  copy(average.bias, best_average_->bias);
  best_verdicts_[model] = verdict;
}

// What is reported is the best model's, as the service does. But each model stops by itself: one that learns fast and settles in
// noise must not end the training of one that is slow and gets further. True: another epoch is wanted.
bool Trainer::judge_epoch(std::int64_t epoch, const std::vector<Verdict>& verdicts) {
  const auto value = [&](const Verdict& v) { return judges_by_target() ? v.value : v.objective; };
  const Verdict& best = verdicts[best_model(target_, verdicts)];
  context_.metrics().early_stopping(epoch, judges_by_target() ? criterion_name(target_, loss_of(params_)) : objective_name(loss_of(params_)),
                                    value(best));
  std::optional<Weights> weights, average;
  bool goes_on = false;
  for (std::size_t m = 0; m < models(); ++m) {
    if (!stopping_[m].stops() && stopping_[m].improves(value(verdicts[m]))) {
      if (!weights) {
        weights = ensemble_->weights();
        average = ensemble_->average();
      }
      keep(m, *weights, *average, verdicts[m]);
    }
    goes_on = goes_on || !stopping_[m].stops();
  }
  if (weights) context_.log().detail("Epoch {}: Loss improved. Updating best model", epoch);
  return goes_on;
}

}  // namespace smtrain::linear
