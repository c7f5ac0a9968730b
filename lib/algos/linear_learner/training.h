// One training run of linear-learner; private to training_{start,epochs,finish}.cc.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "algos/linear_learner/calibration.h"
#include "algos/linear_learner/early_stopping.h"
#include "algos/linear_learner/ensemble.h"
#include "algos/linear_learner/grid.h"
#include "algos/linear_learner/metrics.h"
#include "algos/linear_learner/params.h"
#include "algos/linear_learner/predictor.h"
#include "algos/linear_learner/scaler.h"
#include "job/passes.h"

namespace smtrain::linear {

/// Runs once; context and settings outlive it.
class Trainer final : public job::Learner {
 public:
  Trainer(job::Context& context, job::Settings& settings);

  std::unique_ptr<job::Predictor> run();

  // job::Passes calls these
  void begin_epoch(std::int64_t epoch) override;
  void take(const formats::Batch& piece) override;
  std::uint64_t update(std::uint64_t rows) override;
  bool end_epoch(std::int64_t epoch) override;
  void save(job::State& state) const override;
  std::optional<double> loss() const override { return shown_loss_; }

 private:
  // training_start.cc: from the data to the first weights
  void open();
  void check_schema() const;
  void start();
  void look_at_sample();
  void tell_of_stretch() const;
  void continue_model();
  void restore();
  void make_ensemble();
  void resolve_settings();
  void balance_classes();
  job::PassPlan plan() const;
  void restore_best(const job::State& state);
  // training_epochs.cc
  using Reading = std::function<bool(const job::UseBatch&)>;
  void report_epoch(std::int64_t epoch, const std::string& channel, const std::vector<double>& losses);
  void warn_of_broken(const std::vector<Verdict>& verdicts, std::int64_t epoch);
  std::optional<std::vector<Verdict>> judge_rows(const std::string& channel, const Reading& read, std::vector<double>* losses);
  std::uint64_t calibration_rows() const;
  formats::TableStream& validation(std::int64_t epoch);
  void keep(std::size_t model, const Weights& weights, const Weights& average, const Verdict& verdict);
  bool judge_epoch(std::int64_t epoch, const std::vector<Verdict>& verdicts);
  // training_finish.cc: from the best epoch to the model and its scores
  /// One of the models; its weights are in best_ or, averaged, in best_average_.
  struct Choice {
    std::size_t model;
    bool averaged;
    Verdict verdict;
  };
  Choice choose();
  std::optional<std::vector<Verdict>> judge_again(const Weights& weights);
  bool reads_again() const;
  LinearModel make_model(const Choice& choice) const;
  void score(const LinearPredictor& model, std::size_t index);
  void score_rows(const LinearPredictor& model, std::size_t index, const std::string& channel, const Reading& read);

  std::size_t models() const { return grid_.points.size(); }
  bool is_binary() const { return params_.predictor_type == PredictorType::binary_classifier; }
  /// Epochs are judged by the selection criterion, not by the objective.
  bool judges_by_target() const { return is_binary() && validates(); }
  bool validates() const { return context_.has_channel("validation"); }

  job::Context& context_;
  job::Settings& settings_;
  const Params params_;
  dist::Communicator& workers_;
  compute::Backend& backend_;

  std::optional<job::Passes> passes_;
  std::unique_ptr<formats::TableStream> validation_;
  EnsembleShape shape_;
  std::vector<std::uint64_t> class_counts_;  // of the sample
  const Target target_;
  Scaler scaler_;
  Grid grid_;
  std::optional<Ensemble> ensemble_;
  std::vector<float> class_weights_;
  double class_unit_ = 1;                    // of reported losses, in units of those trained by

  // As of the last epoch.
  std::vector<EarlyStopping> stopping_;      // of each model
  std::optional<Weights> best_;              // of each model, those of the epoch that it did best in
  std::optional<Weights> best_average_;      // of each model, the mean up to then
  std::vector<Verdict> best_verdicts_;       // of each model, then
  CalibrationRows calibrated_on_;            // what thresholds were found on, when last
  std::optional<double> shown_loss_;
  std::size_t broken_ = 0;                   // models whose loss is not finite
};

}  // namespace smtrain::linear
