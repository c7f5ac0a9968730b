// One training run of factorization machines; private to fm_start.cc, fm_train.cc and fm_finish.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "algos/factorization_machines/params.h"
#include "algos/factorization_machines/predictor.h"
#include "algos/factorization_machines/sparse_rows.h"
#include "algos/factorization_machines/tally.h"
#include "job/passes.h"

namespace smtrain::fm {

/// Runs once; context and settings outlive it.
class Trainer final : public job::Learner {
 public:
  Trainer(job::Context& context, job::Settings& settings)
      : context_(context), settings_(settings), params_(settings.as<Params>()), workers_(context.communicator()), backend_(context.backend()),
        queue_(backend_.main_queue()), loader_(backend_), k_(static_cast<std::size_t>(params_.num_factors)) {}

  std::unique_ptr<job::Predictor> run();

  void begin_epoch(std::int64_t) override { epoch_tally_ = resumed_tally_.value_or(Tally{}), resumed_tally_.reset(); }
  void take(const formats::Batch& piece) override;
  std::uint64_t update(std::uint64_t rows) override;
  bool end_epoch(std::int64_t epoch) override;
  void save(job::State& state) const override;
  std::optional<double> loss() const override;

 private:
  // fm_start.cc: from the data to the first parameters
  void open();
  void advise_on_settings() const;
  void check_memory() const;
  void allocate();
  void start();
  void start_from_chance();
  void start_from_model();
  void start_from_checkpoint();
  // fm_train.cc: epochs
  void check_labels(const formats::Batch& batch) const;
  void take_rows(const compute::Backend::SparseRows& x, const formats::Batch& piece, std::size_t first, std::size_t count);
  void count_rows(const formats::Batch& piece, std::size_t first, std::size_t count);
  std::uint64_t combine(std::uint64_t rows);
  void step_parameters(std::uint64_t rows);
  void check_loss() const;
  void report_batch();
  struct Norms {
    double linear, factors;
  };
  Norms norms_of(const compute::Mat& rows) const;
  void report_norms(std::int64_t epoch);
  void report_quality(std::optional<std::int64_t> batch);
  void advise_on_rates() const;
  // fm_finish.cc: from the last parameters to the model and its scores
  std::unique_ptr<FmPredictor> finish();
  void score(const FmPredictor& model);
  std::vector<float> host_copy(const compute::Mat& m) const;
  float number_at(const compute::Mat& m) const { return host_copy(m)[0]; }

  bool regression() const { return params_.predictor_type == Task::regressor; }

  job::Context& context_;
  job::Settings& settings_;
  const Params params_;
  dist::Communicator& workers_;
  compute::Backend& backend_;
  compute::Queue& queue_;
  RowLoader loader_;
  std::optional<job::Passes> passes_;

  std::size_t d_ = 0;
  const std::size_t k_;
  bool sparse_ = true;                       // the network: which parameters a mini-batch moves

  compute::Mat p_, g_, m_, v_;               // (d, k + 1): factors and linear terms side by side; gradient; Adam's means
  compute::Mat columns_;                     // (3, k + 1): rates, decays, l1
  compute::Mat s_, z_;                       // of some rows: sums of factors; scores, then derivatives
  compute::Mat bias_, bias_gradient_, bias_m_, bias_v_, bias_columns_;  // the same of w0, (1, 1) each
  compute::Mat loss_;
  std::unique_ptr<compute::Backend::RowSet> touched_;
  std::vector<float> derivatives_;           // z_ on the host

  std::uint64_t steps_before_ = 0;           // of the model that this run goes on from

  Tally batch_tally_, epoch_tally_;
  std::optional<Tally> resumed_tally_;       // of the epoch that a checkpoint was taken in
  double first_loss_ = 0, last_loss_ = 0;    // means of the first and the latest whole epoch
  std::uint64_t epoch_batches_ = 0;
  std::uint64_t updates_ = 0;                // of this model, steps_before_ not counted
};

}  // namespace smtrain::fm
