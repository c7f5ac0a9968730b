#include "algos/xgboost/rules.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "algos/xgboost/metric_list.h"
#include "base/text.h"
#include "job/hyperparameter_decode.h"

namespace smtrain::xgboost {
namespace {

using Problem = std::optional<std::string>;

bool contains(const std::vector<std::string>& all, std::string_view one) { return std::find(all.begin(), all.end(), one) != all.end(); }

// ---- metrics --------------------------------------------------------------------------------------------------------------

std::vector<std::string> metric_names() {
  std::vector<std::string> names;
  for (const MetricKind& kind : metric_kinds()) names.push_back(kind.name);
  return names;
}

bool is_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

Problem threshold_problem(const std::string& name) {
  const std::size_t at = name.find('@');
  if (at == std::string::npos) return std::nullopt;
  if (!contains({"error", "ndcg", "map", "tweedie-nloglik"}, base_of(name))) {
    return fmt::format("{} takes no threshold; only error, ndcg and map do", base_of(name));
  }
  std::string_view threshold = std::string_view(name).substr(at + 1);
  // "ndcg@5-": groups without a relevant row count 0 instead of 1.
  if ((base_of(name) == "ndcg" || base_of(name) == "map") && threshold.ends_with('-')) threshold.remove_suffix(1);
  if (!is_number(threshold)) return fmt::format("behind @ stands {}, which is not a number", smtrain::quoted(threshold));
  return std::nullopt;
}

Problem objective_problem(const std::string& name, const Params& p) {
  const Task task = task_of(p.objective);
  const std::string_view base = base_of(name);
  const auto needs = [&](const char* what) { return fmt::format("{} needs {}; objective is {}", base, what, p.objective); };
  if (base == "auc" && task != Task::binary && task != Task::ranking && task != Task::multiclass) return needs("binary:*, multi:* or rank:*");
  if (base == "aft-nloglik" && p.objective != "survival:aft") return needs("survival:aft");
  const MetricKind* kind = find_metric(base);
  if (kind->classes && task != Task::binary && task != Task::multiclass) return needs("binary:* or multi:*");
  if (contains({"f1_binary", "precision", "recall"}, base) && p.num_class.value_or(2) > 2) {
    return fmt::format("{} is of two classes (Target is multiclass but average='binary'); num_class is {}: give {}_macro", base, *p.num_class,
                       base == "f1_binary" ? "f1" : base);
  }
  if (contains({"mse", "rmse", "mae", "r2"}, base) && task == Task::multiclass) return needs("an objective whose predictions are numbers");
  return std::nullopt;
}

Problem metric_problem(const std::string& name, const Params& p) {
  const std::vector<std::string> names = metric_names();
  if (find_metric(name) == nullptr) {
    return fmt::format("{} is not one of: {}{}", job::single_quoted(name), join(names, ", "), did_you_mean(base_of(name), names));
  }
  if (const Problem found = threshold_problem(name)) return found;
  return objective_problem(name, p);
}

Problem known_metrics(const Params& p) {
  for (const std::string& name : p.eval_metric) {
    if (const Problem found = metric_problem(name, p)) return "Hyperparameter eval_metric: " + *found;
  }
  return std::nullopt;
}

Problem tuning_metric(const Params& p) {
  const std::string& given = p.tuning_objective_metric;
  if (given.empty()) return std::nullopt;
  const std::size_t colon = given.find(':');
  if (colon == std::string::npos || colon + 1 == given.size()) {
    return fmt::format("Hyperparameter _tuning_objective_metric: {} is not of the form validation:METRIC", job::single_quoted(given));
  }
  const Problem found = metric_problem(given.substr(colon + 1), p);
  return found ? Problem("Hyperparameter _tuning_objective_metric: " + *found) : std::nullopt;
}

// ---- classes and constraints ------------------------------------------------------------------------------------------------

Problem classes(const Params& p) {
  if (task_of(p.objective) != Task::multiclass || p.num_class) return std::nullopt;
  return fmt::format("Hyperparameter num_class: required by objective {} (integer, [2, inf)): the number of classes", p.objective);
}

Problem start_of_logistic(const Params& p) {
  const bool logistic = p.objective == "binary:logistic" || p.objective == "binary:logitraw" || p.objective == "reg:logistic";
  if (!logistic || !p.base_score || (*p.base_score > 0 && *p.base_score < 1)) return std::nullopt;
  return fmt::format("Hyperparameter base_score: {} is a probability with objective {}; it must be in (0, 1)", format_number(*p.base_score),
                     p.objective);
}

Problem monotone(const Params& p) {
  for (const std::string& item : p.monotone_constraints) {
    if (!contains({"-1", "0", "1"}, item)) return fmt::format("Hyperparameter monotone_constraints: {} is not one of: -1, 0, 1", job::single_quoted(item));
  }
  if (p.monotone_constraints.empty() || contains({"auto", "exact", "hist", "gpu_hist"}, p.tree_method)) return std::nullopt;
  return fmt::format("Hyperparameter monotone_constraints: tree_method must be exact or hist with it; it is {}", p.tree_method);
}

bool is_groups(const nlohmann::json& value) {
  if (!value.is_array()) return false;
  return std::all_of(value.begin(), value.end(), [](const nlohmann::json& group) {
    return group.is_array() && std::all_of(group.begin(), group.end(), [](const nlohmann::json& f) { return f.is_number_unsigned(); });
  });
}

Problem interactions(const Params& p) {
  if (p.interaction_constraints.empty()) return std::nullopt;
  if (is_groups(nlohmann::json::parse(p.interaction_constraints, nullptr, false))) return std::nullopt;
  return fmt::format("Hyperparameter interaction_constraints: {} is not a list of lists of feature numbers; write it as [[0, 1], [2, 3, 4]]",
                     job::single_quoted(p.interaction_constraints));
}

// ---- updaters ---------------------------------------------------------------------------------------------------------------

bool grows(const std::string& updater) { return updater.starts_with("grow_") || updater == "distcol"; }
bool is_linear(const std::string& updater) { return updater == "shotgun" || updater == "coord_descent"; }

Problem gone_updaters(const Params& p) {
  for (const std::string& updater : p.updater) {
    if (updater != "distcol" && updater != "grow_skmaker") continue;
    return fmt::format("Hyperparameter updater: {} is gone from XGBoost since 1.0; leave it out, or choose another grower", updater);
  }
  return std::nullopt;
}

Problem updaters_of_booster(const Params& p) {
  if (p.updater.empty()) return std::nullopt;
  const auto refuse = [](const char* what) { return fmt::format("Hyperparameter updater: {}", what); };
  if (p.linear()) {
    if (p.updater.size() == 1 && is_linear(p.updater.front())) return std::nullopt;
    return refuse("with booster gblinear it is shotgun or coord_descent, and only one of them");
  }
  if (std::any_of(p.updater.begin(), p.updater.end(), is_linear)) return refuse("shotgun and coord_descent belong to booster gblinear");
  if (p.updates()) {
    const bool fits = std::all_of(p.updater.begin(), p.updater.end(), [](const std::string& u) { return u == "refresh" || u == "prune"; });
    return fits ? Problem() : refuse("with process_type update it is made of refresh and prune alone");
  }
  if (std::count_if(p.updater.begin(), p.updater.end(), grows) > 1) return refuse("at most one of those that grow trees (grow_*) can be given");
  return std::nullopt;
}

Problem update_of_trees(const Params& p) {
  if (!p.updates()) return std::nullopt;
  if (p.linear()) return "Hyperparameter process_type: update needs trees; booster is gblinear";
  if (p.updater.empty()) return "Hyperparameter process_type: update needs updater: refresh, prune or both";
  if (p.kfold) return "Hyperparameter process_type: update goes over a model that is given, which _kfold does not take";
  return std::nullopt;
}

// ---- the rest -----------------------------------------------------------------------------------------------------------------

Problem gradient_sampling(const Params& p) {
  if (p.sampling_method == "uniform" || p.tree_method == "gpu_hist") return std::nullopt;
  return "Hyperparameter sampling_method: gradient_based needs tree_method gpu_hist";
}

Problem folds(const Params& p) {
  if (!p.kfold || task_of(p.objective) != Task::ranking) return std::nullopt;
  return fmt::format("Hyperparameter _kfold: folds would tear the groups of {} apart", p.objective);
}

Problem dask(const Params& p) {
  if (!p.use_dask_gpu_training) return std::nullopt;
  return "Hyperparameter use_dask_gpu_training: there is no Dask here; one process trains on one GPU, several by a launcher on one each";
}

}  // namespace

const std::vector<std::string>& objectives() {
  static const std::vector<std::string> names = {
      "binary:logistic", "binary:logitraw", "binary:hinge",    "count:poisson",         "multi:softmax",         "multi:softprob",
      "rank:pairwise",   "rank:ndcg",       "rank:map",        "reg:linear",            "reg:squarederror",      "reg:logistic",
      "reg:gamma",       "reg:tweedie",     "reg:absoluteerror", "reg:pseudohubererror", "reg:squaredlogerror", "survival:aft",
      "survival:cox"};
  return names;
}

const std::vector<std::string>& updaters() {
  static const std::vector<std::string> names = {"grow_colmaker", "grow_histmaker", "grow_quantile_histmaker", "grow_skmaker", "distcol",
                                                 "sync",          "refresh",        "prune",                   "shotgun",      "coord_descent"};
  return names;
}

Task task_of(const std::string& objective) {
  if (objective.starts_with("binary:")) return Task::binary;
  if (objective.starts_with("multi:")) return Task::multiclass;
  if (objective.starts_with("rank:")) return Task::ranking;
  if (objective.starts_with("survival:")) return Task::survival;
  return Task::regression;
}

std::vector<std::string> Params::metrics() const {
  std::vector<std::string> all;
  for (const std::string& name : eval_metric) {
    if (!contains(all, name)) all.push_back(name);
  }
  const std::size_t colon = tuning_objective_metric.find(':');
  if (colon != std::string::npos && !contains(all, tuning_objective_metric.substr(colon + 1))) all.push_back(tuning_objective_metric.substr(colon + 1));
  return all;
}

std::vector<std::string> Params::engine_metrics() const {
  std::vector<std::string> all = metrics();
  std::erase_if(all, [](const std::string& name) { return find_metric(name)->ours; });
  return all;
}

std::vector<std::string> Params::own_metrics() const {
  std::vector<std::string> all = metrics();
  std::erase_if(all, [](const std::string& name) { return !find_metric(name)->ours; });
  return all;
}

std::vector<job::Rule> rules() {
  std::vector<job::Rule> all;
  for (Problem (*rule)(const Params&) : {known_metrics, tuning_metric, classes, start_of_logistic, monotone, interactions, gone_updaters,
                                         updaters_of_booster, update_of_trees, gradient_sampling, folds, dask}) {
    all.push_back(job::rule<Params>(rule));
  }
  return all;
}

}  // namespace smtrain::xgboost
