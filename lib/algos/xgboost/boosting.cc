#include "algos/xgboost/boosting.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "base/error.h"
#include "base/text.h"

namespace smtrain::xgboost {
namespace {

std::vector<const DMatrix*> matrices_of(const std::vector<Watched>& watched) {
  std::vector<const DMatrix*> all;
  for (const Watched& w : watched) all.push_back(w.matrix);
  return all;
}

// The engine draws from a stream of the thread that its checkpoints do not hold.
std::string random_state(const Library& library) {
  if (library.calls().random_engine == nullptr) return "";
  std::ostringstream text;
  text << library.calls().random_engine();
  return text.str();
}

// `draws_first`: an updater of a new booster takes a number for itself before its first round, which that of an unbroken run took in round
// 0: the stream is put back by one.
void set_random_state(const Library& library, std::string state, bool draws_first) {
  if (library.calls().random_engine == nullptr || state.empty()) return;
  const std::size_t blank = state.rfind(' ');  // behind it, the place among the 624 numbers that are ready
  if (draws_first && blank != std::string::npos) {
    const int place = std::atoi(state.c_str() + blank + 1);
    if (place > 0) state = state.substr(0, blank + 1) + std::to_string(place - 1);
  }
  std::istringstream text(state);
  text >> library.calls().random_engine();
}

bool samples_columns(const Params& p) { return p.colsample_bytree < 1 || p.colsample_bylevel < 1 || p.colsample_bynode < 1; }

bool grows_by_histogram(const Params& p) {
  return p.tree_method == "hist" || std::find(p.updater.begin(), p.updater.end(), "grow_quantile_histmaker") != p.updater.end();
}

// Columns are drawn by updaters from streams of their own, which exact alone makes anew for every tree.
bool can_go_on_exactly(const Library& library, const Params& p) {
  const bool exact = p.linear() || p.tree_method == "exact" || (p.tree_method == "auto" && p.updater.empty());
  const bool draws = samples_columns(p) || p.subsample < 1 || p.booster == "dart";
  return !draws || (library.calls().random_engine != nullptr && (exact || !samples_columns(p)));
}

}  // namespace

Boosting::Boosting(const BoostingPlan& plan, std::vector<Watched> watched, job::Context& context)
    : plan_(plan), watched_(std::move(watched)), context_(context), booster_(plan.library, matrices_of(watched_)) {
  if (plan.start) {
    booster_.load(*plan.start);
    start_rounds_ = plan.params.updates() ? 0 : booster_.rounds();
  }
  configure();
  const bool validated = std::any_of(watched_.begin(), watched_.end(), [](const Watched& w) { return w.name == "validation"; });
  if (plan.params.early_stopping_rounds && validated) stopping_.emplace(false, *plan.params.early_stopping_rounds);
}

void Boosting::configure() {
  booster_.configure(plan_.engine);
  if (!plan_.columns.empty()) booster_.set_feature_names(plan_.columns);
}

bool Boosting::done() const { return rounds_ >= plan_.params.num_round || (stopping_ && rounds_ > 0 && stopping_->stops()); }

void Boosting::step() {
  booster_.update(static_cast<int>(rounds_), *watched_.front().matrix);
  last_scores_ = evaluate(booster_, plan_.params, static_cast<int>(rounds_), watched_, context_.communicator());
  pass_on_messages();
  job::Evaluation evaluation = evaluation_of(rounds_, last_scores_);
  for (job::Quality& metric : evaluation.metrics) metric.model = plan_.model;
  context_.metrics().evaluation(evaluation);
  judge();
  ++rounds_;
}

const Score& Boosting::stopping_score() {
  const std::vector<std::string> wanted = plan_.params.metrics();
  const Score* last = nullptr;
  for (const Score& score : last_scores_) {
    if (score.channel != "validation") continue;
    last = &score;
    if (!wanted.empty() && score.metric == wanted.back()) return score;
  }
  if (last == nullptr) throw internal_error("xgboost: no metric of the validation channel");
  return *last;
}

void Boosting::judge() {
  if (!stopping_) return;
  const Score& score = stopping_score();
  if (rounds_ == 0) {
    const bool maximised = is_maximised(score.metric);
    stopping_.emplace(maximised, *plan_.params.early_stopping_rounds);
    context_.log().info("early stopping goes by validation:{}, {}: after {} in a row without a better one", score.metric,
                        maximised ? "the larger the better" : "the smaller the better",
                        counted(static_cast<std::uint64_t>(*plan_.params.early_stopping_rounds), "round"));
  }
  if (!stopping_->update(rounds_, score.value)) return;
  best_scores_ = last_scores_;
  if (keeps_snapshots()) best_model_ = booster_.save("ubj");
}

// Each warning once.
void Boosting::pass_on_messages() {
  for (const std::string& message : take_messages()) {
    const bool warning = message.starts_with("WARNING: ");
    if ((warning ? 1 : 2) > plan_.params.verbosity) continue;
    const std::string words = plain_words(message);
    if (!warning) context_.log().info("XGBoost: {}", words);
    else if (told_.insert(words).second) context_.log().warning("XGBoost: {}", words);
  }
}

void Boosting::save(job::State& state) const {
  state.put("boosting.rounds", rounds_);
  // The bare model: what the engine calls a snapshot takes one metric for another when it is read (1.7.4).
  if (!plan_.params.updates()) state.put_bytes("boosting.booster", booster_.save("ubj"));
  state.put("boosting.random", random_state(plan_.library));
  put_scores(state, "boosting.scores", last_scores_);
  put_scores(state, "boosting.best_scores", best_scores_);
  if (!stopping_) return;
  state.put("boosting.maximised", std::int64_t{stopping_->maximised()});
  state.put("boosting.best_round", stopping_->best_round());
  state.put("boosting.best", stopping_->best());
  state.put_bytes("boosting.best_model", best_model_);
}

void Boosting::restore(const job::State& state) {
  rounds_ = state.integer("boosting.rounds");
  if (plan_.params.updates()) {
    // What is left to be gone over is in no checkpoint; going over the trees again is quick.
    for (std::int64_t round = 0; round < rounds_; ++round) booster_.update(static_cast<int>(round), *watched_.front().matrix);
  } else {
    booster_ = Booster(plan_.library, matrices_of(watched_));
    booster_.load(state.bytes("boosting.booster"));
    configure();
  }
  set_random_state(plan_.library, state.text("boosting.random"), grows_by_histogram(plan_.params));
  if (!can_go_on_exactly(plan_.library, plan_.params)) {
    context_.log().warning("XGBoost {} does not tell how far it is with the random numbers of tree_method {}: the rounds to come sample other "
                           "columns or rows than those of an unbroken run would", plan_.library.version().to_string(), plan_.params.tree_method);
  }
  last_scores_ = get_scores(state, "boosting.scores");
  best_scores_ = get_scores(state, "boosting.best_scores");
  if (!stopping_) return;
  stopping_.emplace(state.integer("boosting.maximised") != 0, *plan_.params.early_stopping_rounds);
  stopping_->restore(state.integer("boosting.best_round"), state.number("boosting.best"), rounds_ - 1);
  best_model_ = state.bytes("boosting.best_model");
}

std::int64_t Boosting::kept_rounds() const {
  const bool cut = stopping_ && stopping_->best_round() >= 0;
  return start_rounds_ + (cut ? stopping_->best_round() + 1 : rounds_);
}

// Trees that are dropped later change the weights of earlier ones, and a linear model has no rounds: of those the best is kept as it was.
std::string Boosting::model() {
  if (kept_rounds() == start_rounds_ + rounds_ || plan_.params.updates()) return booster_.save("ubj");
  if (keeps_snapshots()) return best_model_;
  return booster_.first_rounds(static_cast<int>(kept_rounds())).save("ubj");
}

}  // namespace smtrain::xgboost
