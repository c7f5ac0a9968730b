// From the best epoch to the model and its scores.
#include <algorithm>
#include <utility>

#include "algos/linear_learner/continuation.h"
#include "algos/linear_learner/labels.h"
#include "algos/linear_learner/trainer.h"
#include "algos/linear_learner/training.h"

namespace smtrain::linear {

using formats::Batch;

std::unique_ptr<job::Predictor> Trainer::run() {
  open();
  passes_->run(*this);
  if (best_) ensemble_->set(*best_);
  const job::Timed timed(context_.metrics(), "finalize.time");
  const std::size_t index = choose();
  auto model = std::make_unique<LinearPredictor>(make_model(index));
  score(*model, index);
  return model;
}

// The best model of the best epoch. Without a validation channel it is judged by the rows that were trained on.
std::size_t Trainer::choose() {
  if (!best_) {
    best_ = ensemble_->weights();
    best_verdicts_ = judge(std::vector<double>(models(), 0.0));
  }
  if (!validates() && passes_->can_replay() && !passes_->stopped() && (is_binary() || models() > 1)) {
    const auto read = [&](const job::UseBatch& use) { return passes_->replay(*this, "calibration", use); };
    if (auto verdicts = judge_rows("train", read, nullptr)) best_verdicts_ = std::move(*verdicts);
  } else if (!validates() && is_binary()) {
    context_.log().warning("the rows of the train channel cannot be read again: the threshold stays {} and the model with the lowest "
                           "training loss is kept; give a validation channel to calibrate on", kNaturalThreshold);
  }
  for (const std::string& sentence : cautions_) context_.log().warning("{}", sentence);
  const std::size_t index = best_model(target_, best_verdicts_);
  if (models() > 1) context_.log().info("Best model found for hyperparameters: {}", chosen_json(params_, grid_.points[index]));
  return index;
}

LinearModel Trainer::make_model(std::size_t index) const {
  const Verdict& verdict = best_verdicts_[index];
  LinearModel model;
  model.predictor_type = params_.predictor_type;
  model.loss = loss_of(params_);
  model.classes = shape_.classes;
  model.d = shape_.d;
  model.threshold = verdict.threshold;
  model.criterion = is_binary() ? name_of(target_.criterion) : objective_name(model.loss);
  model.criterion_value = verdict.value;
  model.chosen = chosen(params_, grid_.points[index]);
  Continuation kept{pick_model(*best_, shape_, models(), index), pick_model(ensemble_->moments(), shape_, models(), index), scaler_,
                    optimizer_of(params_)};
  forget_untouched(kept);
  fold(kept.weights, scaler_, model);
  model.continuation = write_continuation(kept, shape_);
  return model;
}

void Trainer::score(const LinearPredictor& model, std::size_t index) {
  const job::Timed timed(context_.metrics(), "score.time");
  if (passes_->stopped()) {
    context_.log().info("the run was stopped: its model is not scored");
    return;
  }
  const auto mini_batch = static_cast<std::size_t>(params_.mini_batch_size);
  if (!validates()) {
    if (passes_->can_replay()) score_rows(model, index, "train", [&](const job::UseBatch& use) { return passes_->replay(*this, "train scores", use); });
  } else {
    const bool again = validation_ != nullptr && validation_->replays();
    score_rows(model, index, "validation", [&](const job::UseBatch& use) {
      if (again) return passes_->read_through(*this, validation(params_.epochs), "validation", use);
      return passes_->read_channel(*this, "validation", {mini_batch, 1, shape_.d, {}}, use);
    });
  }
  if (!context_.has_channel("test")) return;
  score_rows(model, index, "test", [&](const job::UseBatch& use) { return passes_->read_channel(*this, "test", {mini_batch, 1, shape_.d, {}}, use); });
}

void Trainer::score_rows(const LinearPredictor& model, std::size_t index, const std::string& channel, const Reading& read) {
  const std::unique_ptr<Scorer> scorer = make_scorer(scoring_rule(params_, model.model().threshold, grid_.points[index].positive_weight));
  const std::unique_ptr<job::Predictor::Scratch> scratch = model.make_scratch(backend_);
  std::vector<float> scores;
  const bool whole = read([&](const Batch& batch) {
    if (batch.rows == 0) return;
    check_labels(params_, batch);
    model.raw_scores(backend_, batch, *scratch, scores);
    scorer->add(scores.data(), batch.rows, shape_.classes, batch.labels);
  });
  if (!whole) {
    context_.log().info("the {} channel is not scored: the run was stopped", channel);
    return;
  }
  scorer->gather(workers_);
  std::vector<std::string> warnings;
  for (const Score& score : scorer->finish(warnings)) {
    job::Quality quality{channel, score.name, score.value, score.smaller_is_better, {}, {}};
    quality.published = score.published == "objective_loss" && channel != "test" ? "objective_loss:final" : score.published;
    quality.also_score = true;
    context_.metrics().quality(quality);
  }
  for (const std::string& sentence : warnings) context_.log().warning("{}", sentence);
}

std::unique_ptr<job::Predictor> train(job::Context& context, job::Settings& settings) { return Trainer(context, settings).run(); }

}  // namespace smtrain::linear
