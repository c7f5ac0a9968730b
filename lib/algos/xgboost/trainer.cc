#include "algos/xgboost/trainer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "algos/xgboost/boosting.h"
#include "algos/xgboost/collective.h"
#include "algos/xgboost/data.h"
#include "algos/xgboost/engine_parameters.h"
#include "algos/xgboost/folds.h"
#include "algos/xgboost/labels.h"
#include "algos/xgboost/predictor.h"
#include "base/error.h"
#include "base/text.h"

namespace smtrain::xgboost {
namespace {

class Trainer {
 public:
  Trainer(job::Context& context, job::Settings& settings)
      : context_(context), settings_(settings), params_(settings.as<Params>()), library_(Library::open()),
        plan_{library_, params_, engine_parameters(library_, params_, settings, options(), context.log())} {}

  std::unique_ptr<job::Predictor> run() {
    context_.log().info("engine: XGBoost {} ({}, {})", library_.version().to_string(), library_.file(),
                        library_.cuda() ? "with CUDA" : "without CUDA");
    check_processes();
    take_start_model();
    Collective collective(library_, context_.communicator());
    Artifact artifact = collective.together([&] {
      open_channels();
      return params_.kfold ? run_folds() : run_one();
    });
    collective.finish();
    return std::make_unique<XgboostPredictor>(library_, std::move(artifact));
  }

 private:
  EngineOptions options() const { return {context_.backend().device().threads, static_cast<std::int64_t>(context_.seed() % 2147483647)}; }

  void take_start_model() {
    const job::Model* model = context_.start_model();
    if (model == nullptr && params_.updates()) throw user_error("Hyperparameter process_type: update needs a model to go over; give --model PATH");
    if (model == nullptr) return;
    if (params_.kfold) throw user_error("--model: _kfold trains its models afresh; leave one of them out");
    const Artifact artifact = read_artifact(*model);
    if (artifact.models.size() > 1) throw user_error("--model: holds {} models of folds; training goes on from one", artifact.models.size());
    const auto& [name, bytes] = *artifact.models.begin();
    const Booster booster = load_booster(library_, bytes, "--model: " + name);
    features_ = booster.features();
    if (params_.updates() && params_.num_round > booster.rounds()) {
      throw user_error("Hyperparameter num_round: process_type update goes over the {} rounds of the model; {} were asked for", booster.rounds(),
                       params_.num_round);
    }
    plan_.start = bytes;
  }

  void check_processes() const {
    if (params_.kfold && context_.communicator().size() > 1) {
      throw user_error("Hyperparameter _kfold: folds are trained by one process; {} were started", context_.communicator().size());
    }
  }

  void open_channels() {
    std::vector<std::string> names{"train"};
    for (const char* name : {"validation", "test"}) {
      if (context_.has_channel(name) && !(params_.kfold && std::string_view(name) == "test")) names.emplace_back(name);
    }
    channels_.emplace(context_, names, params_.csv_weights == 1);
    plan_.columns = channels_->columns();
    if (!plan_.start) return;
    if (channels_->feature_dim() > features_) {
      throw user_error("--model: was trained on {} features, the train channel has {}", features_, channels_->feature_dim());
    }
  }

  // Bins take a fourth of the memory and give the same trees. Whatever looks at rows otherwise than by these bins needs the numbers.
  bool bins_will_do() const {
    return params_.tree_method == "hist" && params_.booster == "gbtree" && params_.updater.empty() && !params_.kfold && !plan_.start;
  }

  Rows read(std::vector<std::string> names, bool bins = false) {
    MatrixPlan plan;
    plan.channels = std::move(names);
    plan.quantiles = bins;
    plan.max_bin = static_cast<int>(params_.max_bin.value_or(256));
    plan.threads = options().threads;
    plan.check = [this](const formats::Batch& batch) { check_rows(params_, batch); };
    Rows rows = channels_->read(library_, plan);
    if (params_.objective == "survival:aft") {
      const auto labels = rows.matrix.floats("label");
      const std::vector<float> bounds(labels.begin(), labels.end());
      rows.matrix.set_floats("label_lower_bound", bounds);
      rows.matrix.set_floats("label_upper_bound", bounds);
    }
    return rows;
  }

  // Areas under curves have no value where there is one class alone.
  void check_classes(const Rows& rows, const std::string& channel) const {
    const std::vector<std::string> metrics = params_.metrics();
    const auto area = std::find_if(metrics.begin(), metrics.end(), [](const std::string& m) { return m == "auc" || m == "aucpr"; });
    if (area == metrics.end() || task_of(params_.objective) == Task::ranking || context_.communicator().size() > 1) return;
    const auto labels = rows.matrix.floats("label");
    if (std::any_of(labels.begin(), labels.end(), [&](float label) { return label != labels.front(); })) return;
    throw user_error("channel {}: all labels are {}; {} needs rows of both classes", channel, labels.empty() ? 0.0 : static_cast<double>(labels.front()),
                     *area);
  }

  Artifact run_one() {
    const Rows train = read({"train"}, bins_will_do());
    check_classes(train, "train");
    if (task_of(params_.objective) == Task::ranking && !train.grouped) {
      context_.log().warning("objective {}: no row bears a qid, so all are of one group", params_.objective);
    }
    std::optional<Rows> validation;
    std::vector<Watched> watched{{"train", &train.matrix, train.rows}};
    if (context_.has_channel("validation")) {
      validation = read({"validation"});
      check_classes(*validation, "validation");
      watched.push_back({"validation", &validation->matrix, validation->rows});
    } else if (params_.early_stopping_rounds) {
      context_.log().warning("early_stopping_rounds is ignored: there is no validation channel");
    }
    if (context_.communicator().size() == 1) context_.log().detail("Single node training.");
    Boosting boosting(plan_, watched, context_);
    boost(boosting, train.all_rows);
    return finish(boosting);
  }

  void boost(Boosting& boosting, std::uint64_t rows) {
    if (const job::State* state = context_.resumed()) boosting.restore(*state);
    while (!boosting.done()) {
      boosting.step();
      const std::string phase = fmt::format("round {}/{}", boosting.rounds(), params_.num_round);
      const double fraction = static_cast<double>(boosting.rounds()) / static_cast<double>(params_.num_round);
      if (!context_.safe_point({phase, fraction, rows * static_cast<std::uint64_t>(boosting.rounds()), std::nullopt},
                               [&](job::State& state) { boosting.save(state); })) {
        break;
      }
    }
  }

  Artifact finish(Boosting& boosting) {
    Artifact artifact;
    std::string& bytes = artifact.models["xgboost-model"];
    bytes = boosting.model();
    if (boosting.kept_rounds() < boosting.rounds()) {
      context_.log().info("the model keeps the {} up to the best", counted(static_cast<std::uint64_t>(boosting.kept_rounds()), "round"));
    }
    std::vector<Score> scores = boosting.scores();
    Booster booster = load_booster(library_, bytes, "xgboost-model");
    note_base_score(booster);
    if (context_.has_channel("test")) {
      const Rows test = read({"test"});
      const Watched watched{"test", &test.matrix, test.rows};
      booster.configure(plan_.engine);
      const std::vector<Score> tested = evaluate(booster, params_, 0, std::span(&watched, 1), context_.communicator());
      scores.insert(scores.end(), tested.begin(), tested.end());
    }
    context_.metrics().evaluation(evaluation_of(std::nullopt, scores));
    return artifact;
  }

  // From 2.0 the engine estimates it where it is not given.
  void note_base_score(const Booster& booster) {
    const auto config = nlohmann::json::parse(booster.config(), nullptr, false);
    const nlohmann::json::json_pointer at("/learner/learner_model_param/base_score");
    if (!config.contains(at) || !config[at].is_string()) return;
    const auto value = nlohmann::json::parse(config[at].get<std::string>(), nullptr, false);
    if (value.is_number() && value.get<double>() >= 0) settings_.resolve_auto("base_score", format_number(value.get<float>()));
  }

  Artifact run_folds() {
    std::vector<std::string> names{"train"};
    if (context_.has_channel("validation")) names.emplace_back("validation");
    if (context_.has_channel("test")) context_.log().warning("the test channel is ignored: _kfold trains several models");
    const Rows all = read(std::move(names));
    return train_folds(plan_, all.matrix, context_);
  }

  job::Context& context_;
  job::Settings& settings_;
  const Params params_;
  const Library& library_;
  BoostingPlan plan_;
  std::optional<Channels> channels_;
  std::size_t features_ = 0;  // of the model to go on from
};

}  // namespace

std::unique_ptr<job::Predictor> train(job::Context& context, job::Settings& settings) { return Trainer(context, settings).run(); }

}  // namespace smtrain::xgboost
