#include "algos/xgboost/engine_parameters.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/text.h"

namespace smtrain::xgboost {
namespace {

constexpr Version kTwo{2, 0, 0};

bool contains(const std::vector<std::string>& all, std::string_view one) { return std::find(all.begin(), all.end(), one) != all.end(); }

// What training does itself, and what has no effect in any engine there is.
const std::vector<std::string> kOurs = {"num_round",      "csv_weights",   "early_stopping_rounds",     "save_model_on_termination",
                                        "_kfold",         "_num_cv_round", "_tuning_objective_metric",  "use_dask_gpu_training",
                                        "eval_metric",    "verbosity",     "nthread",                   "seed",
                                        "monotone_constraints", "updater", "tree_method",               "objective",
                                        "sketch_eps",     "max_bin",       "prob_buffer_row",           "dsplit"};
// Of some engines: left out with a warning where the engine does not know them.
const std::vector<std::string> kOfOldEngines = {"single_precision_histogram", "deterministic_histogram", "lambda_bias", "predictor"};

// Where an unused hyperparameter would be of use.
std::string belongs_to(const std::string& name, const Params& p) {
  if (contains({"sample_type", "normalize_type", "rate_drop", "skip_drop", "one_drop"}, name)) return "it belongs to booster dart";
  if (name == "tweedie_variance_power") return "it belongs to objective reg:tweedie";
  if (name.starts_with("aft_")) return "it belongs to objective survival:aft";
  if (p.linear()) return "booster gblinear grows no trees";
  return fmt::format("objective is {}, booster {}, tree_method {}", p.objective, p.booster, p.tree_method);
}

std::string engine_name(const std::string& metric, const Params& p) {
  return metric == "tweedie-nloglik" ? metric + "@" + format_number(p.tweedie_variance_power) : metric;
}

class Translation {
 public:
  Translation(const Library& library, const Params& params, const job::Settings& settings, Log& log)
      : library_(library), params_(params), settings_(settings), log_(log) {}

  Parameters run(const EngineOptions& options) {
    refuse_cuda_without();
    all_ = {{"objective", params_.objective == "reg:linear" ? "reg:squarederror" : params_.objective}};
    add_given();
    add_trees();
    add_run(options);
    for (const std::string& metric : params_.engine_metrics()) all_.emplace_back("eval_metric", engine_name(metric, params_));
    if (!params_.metrics().empty() && params_.engine_metrics().empty()) all_.emplace_back("disable_default_eval_metric", "1");
    drop_unused();
    return std::move(all_);
  }

 private:
  static bool is_given(const job::Settings::Setting& s) { return s.origin != "default" && s.origin != "data" && !s.text.empty(); }

  bool is_given(const char* name) const {
    const auto* setting = settings_.find(name);
    return setting != nullptr && is_given(*setting);
  }

  void refuse_cuda_without() const {
    if (library_.cuda()) return;
    const auto* predictor = settings_.find("predictor");
    const bool asked = params_.tree_method == "gpu_hist" || (predictor != nullptr && predictor->text == "gpu_predictor");
    if (!asked) return;
    throw user_error("Hyperparameter {}: needs an XGBoost with CUDA; {} (XGBoost {}) was built without: name another in SMTRAIN_XGBOOST_LIB, or "
                     "give {}", params_.tree_method == "gpu_hist" ? "tree_method: gpu_hist" : "predictor: gpu_predictor", library_.file(),
                     library_.version().to_string(), params_.tree_method == "gpu_hist" ? "tree_method=hist" : "predictor=auto");
  }

  void add_given() {
    for (const job::Settings::Setting& s : settings_.all()) {
      if (is_given(s) && !contains(kOurs, s.name)) all_.emplace_back(s.name, s.text);
    }
    for (const char* name : {"dsplit", "prob_buffer_row"}) {
      if (is_given(name)) log_.warning("hyperparameter {} has no effect in XGBoost {}", name, library_.version().to_string());
    }
    if (!params_.updater.empty()) all_.emplace_back("updater", join(params_.updater, ","));
    if (!params_.monotone_constraints.empty()) all_.emplace_back("monotone_constraints", "(" + join(params_.monotone_constraints, ",") + ")");
  }

  void add_trees() {
    if (params_.linear()) {
      if (params_.tree_method != "auto") throw unused("tree_method");
      if (params_.max_bin) throw unused("max_bin");
      return;
    }
    const bool gpu_by_name = params_.tree_method == "gpu_hist" && library_.version() >= kTwo;
    if (is_given("tree_method")) all_.emplace_back("tree_method", gpu_by_name ? "hist" : params_.tree_method);
    if (gpu_by_name) all_.emplace_back("device", "cuda");
    if (params_.max_bin) {
      all_.emplace_back("max_bin", std::to_string(*params_.max_bin));
    } else if (params_.sketch_eps && params_.tree_method == "approx") {
      all_.emplace_back("max_bin", fmt::format("{}", std::ceil(1 / *params_.sketch_eps)));
    }
    if (params_.sketch_eps && (params_.max_bin || params_.tree_method != "approx")) {
      log_.warning("hyperparameter sketch_eps has no effect: {}", params_.max_bin ? "max_bin is given" : "tree_method is not approx");
    }
  }

  void add_run(const EngineOptions& options) {
    all_.emplace_back("verbosity", std::to_string(params_.verbosity));
    all_.emplace_back("seed", std::to_string(is_given("seed") ? params_.seed : options.seed));
    all_.emplace_back("nthread", std::to_string(threads(options)));
    if (!options.cuda || params_.tree_method == "gpu_hist" || params_.linear()) return;
    if (library_.version() >= kTwo) all_.emplace_back("device", fmt::format("cuda:{}", options.cuda_device));
    else if (params_.tree_method == "auto" || params_.tree_method == "hist") set("tree_method", "gpu_hist");
  }

  // shotgun changes weights from all threads at a time, which gives other bytes in every run.
  std::int64_t threads(const EngineOptions& options) const {
    const bool shotgun = params_.linear() && (params_.updater.empty() || params_.updater.front() == "shotgun");
    if (params_.nthread) {
      if (shotgun && *params_.nthread > 1) log_.warning("updater shotgun on {} threads gives a slightly different model in every run", *params_.nthread);
      return *params_.nthread;
    }
    if (shotgun && options.threads > 1) {
      log_.info("updater shotgun gets one thread, since several give a slightly different model in every run; updater coord_descent uses all");
    }
    return shotgun ? 1 : options.threads;
  }

  void set(const std::string& name, const std::string& value) {
    const auto found = std::find_if(all_.begin(), all_.end(), [&](const auto& p) { return p.first == name; });
    if (found == all_.end()) all_.emplace_back(name, value);
    else found->second = value;
  }

  Error unused(const std::string& name) const {
    return user_error("Hyperparameter {}: XGBoost {} has no use for it here: {}; leave it out", name, library_.version().to_string(),
                      belongs_to(name, params_));
  }

  bool is_default(const std::string& name, const std::string& value) const {
    const auto* setting = settings_.find(name);
    for (const job::Hyperparameter& h : table_.entries()) {
      if (h.name == name && h.default_text) return setting != nullptr && value == *h.default_text;
    }
    return false;
  }

  // The engine itself says what it does not use, with a model of one feature, before any data are read.
  void drop_unused() {
    Booster probe(library_);
    Parameters probed = all_;
    probed.emplace_back("num_feature", "1");
    std::erase_if(probed, [](const auto& p) { return p.first == "monotone_constraints" || p.first == "interaction_constraints"; });
    const std::vector<std::string> unused_names = probe.configure(probed);
    take_messages();  // the booster that is trained will say the same
    for (const std::string& name : unused_names) {
      const auto found = std::find_if(all_.begin(), all_.end(), [&](const auto& p) { return p.first == name; });
      if (found == all_.end()) continue;
      if (contains(kOfOldEngines, name)) {
        log_.warning("hyperparameter {} is left out: XGBoost {} does not know it", name, library_.version().to_string());
      } else if (!is_default(name, found->second)) {
        throw unused(name);
      }
      all_.erase(found);
    }
  }

  const Library& library_;
  const Params& params_;
  const job::Settings& settings_;
  Log& log_;
  const job::Table table_ = hyperparameters();
  Parameters all_;
};

}  // namespace

Parameters engine_parameters(const Library& library, const Params& params, const job::Settings& settings, const EngineOptions& options,
                             Log& log) {
  return Translation(library, params, settings, log).run(options);
}

}  // namespace smtrain::xgboost
