// One model in the making, round by round.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "algos/xgboost/booster.h"
#include "algos/xgboost/early_stopping.h"
#include "algos/xgboost/evaluation.h"
#include "algos/xgboost/params.h"
#include "job/algorithm.h"

namespace smtrain::xgboost {

/// What all models of a run have in common. Outlives them.
struct BoostingPlan {
  const Library& library;
  const Params& params;
  Parameters engine;
  std::vector<std::string> columns = {};       ///< names of the features, or none
  std::optional<std::string> start = {};       ///< bytes of the model to go on from
  std::optional<std::int64_t> model = {};      ///< number of this model among the folds'
};

/// Not thread-safe; to be used on one thread, whose random numbers the engine takes. Its entries of State begin with "boosting.".
class Boosting {
 public:
  /// The first of `watched` is trained on; "validation" drives early stopping. The matrices outlive it.
  Boosting(const BoostingPlan& plan, std::vector<Watched> watched, job::Context& context);

  /// Rounds made in this run, and whether no other is wanted.
  std::int64_t rounds() const { return rounds_; }
  bool done() const;
  /// One more round, evaluated and reported. Collective.
  void step();

  void save(job::State& state) const;
  void restore(const job::State& state);

  /// The model of the rounds up to the best, as the engine writes it, and that model's scores.
  std::string model();
  const std::vector<Score>& scores() const { return stopping_ && !best_scores_.empty() ? best_scores_ : last_scores_; }
  /// The last scores, of the round at which training ended.
  const std::vector<Score>& last_scores() const { return last_scores_; }
  Booster& booster() { return booster_; }
  /// The round that the model ends with.
  std::int64_t kept_rounds() const;

 private:
  void configure();
  void pass_on_messages();
  void judge();
  const Score& stopping_score();
  bool keeps_snapshots() const { return stopping_ && plan_.params.booster != "gbtree"; }

  const BoostingPlan& plan_;
  const std::vector<Watched> watched_;
  job::Context& context_;
  Booster booster_;
  std::int64_t start_rounds_ = 0, rounds_ = 0;
  std::optional<EarlyStopping> stopping_;
  std::vector<Score> last_scores_, best_scores_;
  std::string best_model_;
  std::set<std::string> told_;
};

}  // namespace smtrain::xgboost
