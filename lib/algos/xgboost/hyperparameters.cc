#include <algorithm>

#include "algos/xgboost/params.h"
#include "algos/xgboost/rules.h"
#include "base/text.h"

namespace smtrain::xgboost {
namespace {

using job::Declaration;
using job::integer;
using job::Kind;
using job::number;
using job::Scale;

using Hyperparameters = std::vector<job::Hyperparameter>;

// A hyperparameter that only the engine looks at.
Declaration passed(const char* name, Kind kind) { return Declaration(job::detail::entry(name, kind, [](void*, const job::Value&) {})); }

// One of several words, kept as that word.
Declaration word(const char* name, std::string Params::*field, const std::vector<std::string>& words) {
  Declaration declaration(job::detail::entry(name, Kind::choice, [field, words](void* params, const job::Value& v) {
    if (const auto* i = std::get_if<std::int64_t>(&v)) static_cast<Params*>(params)->*field = words[static_cast<std::size_t>(*i)];
  }));
  job::Hyperparameter h = declaration;
  for (std::size_t i = 0; i < words.size(); ++i) h.choices.push_back({words[i], static_cast<std::int64_t>(i), {}});
  return Declaration(h);
}

Declaration passed_word(const char* name, const std::vector<std::string>& words) {
  job::Hyperparameter h = passed(name, Kind::choice);
  for (std::size_t i = 0; i < words.size(); ++i) h.choices.push_back({words[i], static_cast<std::int64_t>(i), {}});
  return Declaration(h);
}

Hyperparameters task() {
  return {
      integer("num_round", &Params::num_round).required().at_least(1).tunable(1, 4000).help("The number of boosting rounds."),
      word("objective", &Params::objective, objectives())
          .or_else("reg:squarederror")
          .help("What is learnt, by its loss. reg:linear is the old name of reg:squarederror."),
      integer("num_class", &Params::num_class).at_least(2).help("The number of classes; required by multi:softmax and multi:softprob."),
      job::list("eval_metric", &Params::eval_metric)
          .help("Metrics computed after each round on the train and validation channels; the last one drives early stopping. By default the "
                "one that belongs to the objective."),
      word("booster", &Params::booster, {"gbtree", "gblinear", "dart"})
          .or_else("gbtree")
          .help("gbtree: trees. gblinear: a linear model. dart: trees, of which some are dropped while others are grown."),
      integer("csv_weights", &Params::csv_weights)
          .between(0, 1)
          .or_else("0")
          .help("1: column 1 of CSV channels, behind the label, holds the weights of the rows."),
      integer("early_stopping_rounds", &Params::early_stopping_rounds)
          .at_least(1)
          .help("Stops when so many rounds in a row have not improved the last metric on the validation channel; the model keeps the rounds "
                "up to the best one."),
      number("base_score", &Params::base_score)
          .at_least(0)
          .help("The prediction to begin with, after the inverse link. 0.5 up to XGBoost 1.7; from 2.0 estimated from the labels."),
      integer("seed", &Params::seed)
          .above(-2147483648.0)
          .below(2147483647.0)
          .or_else("0")
          .help("Seed of all random numbers; the same as the flag of every algorithm."),
  };
}

Hyperparameters trees() {
  return {
      passed("eta", Kind::number)
          .alias("learning_rate")
          .between(0, 1)
          .or_else("0.3")
          .tunable(0.1, 0.5)
          .help("Step size: what the leaves of a new tree are multiplied with."),
      passed("gamma", Kind::number).alias("min_split_loss").at_least(0).or_else("0.0").tunable(0, 5).help("The least gain of a split."),
      passed("max_depth", Kind::integer).at_least(0).or_else("6").tunable(0, 10).help("The largest depth of a tree; 0: no limit."),
      passed("min_child_weight", Kind::number)
          .at_least(0)
          .or_else("1.0")
          .tunable(0, 120)
          .help("The least sum of second derivatives (of squared errors: rows) in a leaf."),
      passed("max_delta_step", Kind::number)
          .at_least(0)
          .or_else("0.0")
          .tunable(0, 10)
          .help("Bound on a leaf's weight; 0: none. 1 to 10 helps logistic regression of very uneven classes."),
      number("subsample", &Params::subsample).above(0).at_most(1).or_else("1.0").tunable(0.5, 1).help("Share of the rows each tree sees."),
      number("colsample_bytree", &Params::colsample_bytree)
          .above(0)
          .at_most(1)
          .or_else("1.0")
          .tunable(0.5, 1)
          .help("Share of the columns each tree sees."),
      number("colsample_bylevel", &Params::colsample_bylevel)
          .above(0)
          .at_most(1)
          .or_else("1.0")
          .tunable(0.1, 1)
          .help("Share of the tree's columns each depth level sees."),
      number("colsample_bynode", &Params::colsample_bynode)
          .above(0)
          .at_most(1)
          .or_else("1.0")
          .tunable(0.1, 1)
          .help("Share of the level's columns each split sees."),
      passed("lambda", Kind::number).alias("reg_lambda").at_least(0).or_else("1.0").tunable(0, 1000).help("L2 regularisation of the weights."),
      passed("alpha", Kind::number).alias("reg_alpha").at_least(0).or_else("0.0").tunable(0, 1000).help("L1 regularisation of the weights."),
      passed("scale_pos_weight", Kind::number)
          .above(0)
          .or_else("1.0")
          .help("Weight of rows with label 1 in binary objectives; negatives divided by positives balances them."),
      passed("num_parallel_tree", Kind::integer).at_least(1).or_else("1").help("Trees grown in a round: more than 1 boosts forests."),
  };
}

Hyperparameters growing() {
  return {
      word("tree_method", &Params::tree_method, {"auto", "exact", "approx", "hist", "gpu_hist"})
          .or_else("auto")
          .help("How splits are sought: exact over all values, approx over quantiles found in every round, hist over quantiles found once. auto "
                "is, up to XGBoost 1.7, exact on few rows and approx on many (above 4 million), and hist from 2.0. gpu_hist needs an XGBoost with "
                "CUDA."),
      integer("max_bin", &Params::max_bin).at_least(2).help("hist and approx: the most bins of a feature; 256 by default."),
      number("sketch_eps", &Params::sketch_eps)
          .above(0)
          .below(1)
          .help("approx: an older way to say max_bin, which is 1 / sketch_eps where max_bin is not given."),
      passed_word("grow_policy", {"depthwise", "lossguide"})
          .or_else("depthwise")
          .help("Which leaf is split next: the one nearest to the root, or the one with the largest gain."),
      passed("max_leaves", Kind::integer).at_least(0).or_else("0").help("The most leaves of a tree; 0: no limit."),
      job::list("updater", &Params::updater)
          .of(updaters())
          .help("The steps that make or change a tree, in order, instead of those that tree_method or booster choose: at most one of grow_colmaker, "
                "grow_histmaker and grow_quantile_histmaker, and prune, refresh, sync. gblinear: shotgun or coord_descent."),
      passed("refresh_leaf", Kind::integer)
          .between(0, 1)
          .or_else("1")
          .help("updater refresh: 1 computes the leaves anew too, 0 the statistics of nodes alone."),
      word("process_type", &Params::process_type, {"default", "update"})
          .or_else("default")
          .help("default grows trees. update goes over those of the model that is given, a round's trees a round, with updater refresh or prune."),
      word("sampling_method", &Params::sampling_method, {"uniform", "gradient_based"})
          .or_else("uniform")
          .help("How subsample picks rows. gradient_based needs gpu_hist."),
      job::list("monotone_constraints", &Params::monotone_constraints)
          .between(-1, 1)
          .help("For each feature 1, -1 or 0: the prediction may only rise with it, only fall, or do both, as in (0, 1, -1)."),
      job::text("interaction_constraints", &Params::interaction_constraints)
          .help("Groups of features that may meet on a path, by number from 0, as in [[0, 1], [2, 3, 4]]."),
  };
}

Hyperparameters of_objectives_and_boosters() {
  return {
      passed_word("sample_type", {"uniform", "weighted"})
          .or_else("uniform")
          .help("dart: whether dropped trees are chosen alike or by their weights."),
      passed_word("normalize_type", {"tree", "forest"})
          .or_else("tree")
          .help("dart: whether a new tree weighs like one of the dropped trees or like their sum."),
      passed("rate_drop", Kind::number).between(0, 1).or_else("0.0").help("dart: share of the trees that are dropped in a round."),
      passed("skip_drop", Kind::number).between(0, 1).or_else("0.0").help("dart: probability that a round drops none."),
      passed("one_drop", Kind::integer).between(0, 1).or_else("0").help("dart: 1 drops at least one tree in a round."),
      passed("lambda_bias", Kind::number)
          .between(0, 1)
          .or_else("0.0")
          .help("gblinear: L2 regularisation of the bias. Newer engines do not have it."),
      number("tweedie_variance_power", &Params::tweedie_variance_power)
          .above(1)
          .below(2)
          .or_else("1.5")
          .help("reg:tweedie: the variance grows with this power of the mean; near 1 as Poisson's, near 2 as gamma's."),
      passed_word("aft_loss_distribution", {"normal", "logistic", "extreme"})
          .or_else("normal")
          .help("survival:aft: the distribution of the noise of log time."),
      passed("aft_loss_distribution_scale", Kind::number).at_least(0).or_else("1.0").help("survival:aft: the scale of that noise."),
  };
}

Hyperparameters running() {
  return {
      integer("nthread", &Params::nthread).at_least(1).help("Threads of the engine; those of --threads by default."),
      integer("verbosity", &Params::verbosity)
          .between(0, 3)
          .or_else("1")
          .help("What the engine says goes into the log: 0 nothing, 1 warnings, 2 information, 3 everything."),
      job::boolean("save_model_on_termination", &Params::save_model_on_termination)
          .or_else("false")
          .help("Whether a run that is told to end leaves the model of the rounds that are done."),
      integer("_kfold", &Params::kfold)
          .at_least(2)
          .help("Cross-validation with so many folds of the train and validation rows: a model for each, and predictions of the rows left out."),
      integer("_num_cv_round", &Params::num_cv_round).at_least(1).or_else("1").help("How often _kfold is repeated with other folds."),
      job::text("_tuning_objective_metric", &Params::tuning_objective_metric)
          .help("validation:METRIC, as tuning jobs say it: the metric is computed, too, and drives early stopping."),
  };
}

// Of older engines, or of graphics processors.
Hyperparameters obsolete() {
  return {
      passed_word("predictor", {"auto", "cpu_predictor", "gpu_predictor"})
          .or_else("auto")
          .help("Where the engine predicts while it trains. XGBoost 2.0 and later know it no longer."),
      passed_word("dsplit", {"row", "col"}).help("How old engines split data between hosts. Without effect."),
      passed("deterministic_histogram", Kind::boolean).or_else("true").help("Of gpu_hist in old engines. Without effect."),
      passed("single_precision_histogram", Kind::boolean).or_else("false").help("Of hist in old engines. Without effect."),
      passed("prob_buffer_row", Kind::integer).at_least(2).help("Without effect."),
      job::boolean("use_dask_gpu_training", &Params::use_dask_gpu_training)
          .or_else("false")
          .help("Training on several GPUs by Dask, which is not offered: true is refused."),
  };
}

}  // namespace

job::Table hyperparameters() {
  Hyperparameters all;
  for (const Hyperparameters& part : {task(), trees(), growing(), of_objectives_and_boosters(), running(), obsolete()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return job::table<Params>(std::move(all), rules());
}

}  // namespace smtrain::xgboost
