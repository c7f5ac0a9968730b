// From the best epoch to the model and its scores.
#include <algorithm>
#include <utility>

#include "algos/linear_learner/continuation.h"
#include "algos/linear_learner/labels.h"
#include "algos/linear_learner/ranking.h"
#include "algos/linear_learner/trainer.h"
#include "algos/linear_learner/training.h"

namespace smtrain::linear {

using formats::Batch;

std::unique_ptr<job::Predictor> Trainer::run() {
  open();
  passes_->run(*this);
  const job::Timed timed(context_.metrics(), "finalize.time");
  const Choice choice = choose();
  auto model = std::make_unique<LinearPredictor>(make_model(choice));
  score(*model, choice.model);
  return model;
}

// The rows that models are judged by can be read once more.
bool Trainer::reads_again() const {
  if (passes_->stopped()) return false;
  return validates() ? validation_ != nullptr && validation_->replays() : passes_->can_replay();
}

std::optional<std::vector<Verdict>> Trainer::judge_again(const Weights& weights) {
  ensemble_->set(weights);
  if (!validates()) {
    return judge_rows("train", [&](const job::UseBatch& use) { return passes_->replay(*this, "calibration", use); }, nullptr);
  }
  return judge_rows(
      "validation", [&](const job::UseBatch& use) { return passes_->read_through(*this, validation(params_.epochs), "calibration", use); },
      nullptr);
}

// The best of all models, with the weights of its best epoch or with their mean over the epochs before. Judged by the validation
// channel, or else by the rows that were trained on.
Trainer::Choice Trainer::choose() {
  if (!best_) {
    best_ = ensemble_->weights();
    best_average_ = ensemble_->average();
    best_verdicts_ = judge(std::vector<double>(models(), 0.0));
  }
  std::vector<Verdict> verdicts = best_verdicts_;
  if (reads_again()) {
    if (!validates()) {
      if (auto again = judge_again(*best_)) verdicts = std::move(*again);
    }
    if (const auto averaged = judge_again(*best_average_)) verdicts.insert(verdicts.end(), averaged->begin(), averaged->end());
  } else if (!validates() && is_binary()) {
    context_.log().warning("the rows of the train channel cannot be read again: the threshold stays {} and the model with the lowest "
                           "training loss is kept; give a validation channel to calibrate on", kNaturalThreshold);
  }
  const std::size_t index = best_model(target_, verdicts);
  if (calibrated_on_.rows > 0) {
    for (const std::string& sentence : cautions(calibrated_on_, target_, verdicts[index])) context_.log().warning("{}", sentence);
  }
  const Choice choice{index % models(), index >= models(), verdicts[index]};
  if (models() > 1) context_.log().info("Best model found for hyperparameters: {}", chosen_json(params_, grid_.points[choice.model]));
  context_.log().detail("weights: {}", choice.averaged ? "the mean over the last epochs" : "those of the best epoch");
  return choice;
}

LinearModel Trainer::make_model(const Choice& choice) const {
  const std::size_t index = choice.model;
  LinearModel model;
  model.predictor_type = params_.predictor_type;
  model.loss = loss_of(params_);
  model.classes = shape_.classes;
  model.d = shape_.d;
  if (const auto& names = passes_->schema().column_names; names.size() == model.d) model.columns = names;
  model.threshold = choice.verdict.threshold;
  model.criterion = is_binary() ? name_of(target_.criterion) : objective_name(model.loss);
  model.criterion_value = choice.verdict.value;
  model.chosen = chosen(params_, grid_.points[index]);
  const Weights& weights = choice.averaged ? *best_average_ : *best_;
  Continuation kept{pick_model(weights, shape_, models(), index), pick_model(ensemble_->moments(), shape_, models(), index), scaler_,
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
    const bool again = reads_again();
    score_rows(model, index, "validation", [&](const job::UseBatch& use) {
      if (again) return passes_->read_through(*this, validation(params_.epochs), "validation", use);
      return passes_->read_channel(*this, "validation", {mini_batch, 1, shape_.d, {}}, use);
    });
  }
  if (!context_.has_channel("test")) return;
  score_rows(model, index, "test", [&](const job::UseBatch& use) { return passes_->read_channel(*this, "test", {mini_batch, 1, shape_.d, {}}, use); });
}

void Trainer::score_rows(const LinearPredictor& model, std::size_t index, const std::string& channel, const Reading& read) {
  ScoringRule rule = scoring_rule(params_, model.model().threshold, grid_.points[index].positive_weight);
  rule.roc_rows = std::clamp<std::size_t>(context_.memory_limit() / 4 / RocCurve::kBytesPerRow, 1, rule.roc_rows);
  const std::unique_ptr<Scorer> scorer = make_scorer(rule);
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
