// One training run of k-means; private to kmeans_start.cc, kmeans_train.cc and kmeans_finish.cc.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "algos/kmeans/course.h"
#include "algos/kmeans/params.h"
#include "algos/kmeans/predictor.h"
#include "algos/kmeans/shrink.h"
#include "job/passes.h"
#include "job/staging.h"

namespace smtrain::kmeans {

constexpr std::int64_t kAutoTrials = 10;  // of local_lloyd_num_trials

/// Runs once; context and settings outlive it.
class Trainer final : public job::Learner {
 public:
  Trainer(job::Context& context, job::Settings& settings)
      : context_(context), settings_(settings), params_(settings.as<Params>()), workers_(context.communicator()), backend_(context.backend()),
        queue_(backend_.main_queue()), staging_(backend_) {}

  std::unique_ptr<job::Predictor> run();

  // kmeans_train.cc: job::Passes calls these
  void take(const formats::Batch& piece) override;
  std::uint64_t update(std::uint64_t rows) override;
  void save(job::State& state) const override;
  std::optional<double> loss() const override { return course_.long_term.value(); }

 private:
  // kmeans_start.cc: from the data to the first centres
  void open();
  void check_first_mini_batch();
  std::size_t resolve_factor();
  void start();
  std::vector<float> choose_centers();
  void start_from_model();
  void start_from_checkpoint();
  void resolve_factor_to(std::size_t factor);
  bool last_epoch() const { return passes_->epoch() + 1 >= params_.epochs; }
  void check_memory() const;
  void allocate();
  // kmeans_train.cc
  double combine(std::uint64_t rows);
  void report_iteration(std::uint64_t iteration);
  // kmeans_finish.cc: from the last centres to the model and its scores
  std::unique_ptr<KMeansPredictor> finish();
  Shrunk shrink_together(const StreamState& state);
  Shrunk shrink_to_model(const StreamState& state, const std::function<bool()>& poll);
  double data_msd() const;
  void report_train(double msd);
  void score(const KMeansPredictor& model);
  bool measure(const KMeansPredictor& model, double& ssd, double& rows);
  RandomStream random(std::string_view name) const {
    return params_.seed ? RandomStream(static_cast<std::uint64_t>(*params_.seed), name) : context_.random(name);
  }

  job::Context& context_;
  job::Settings& settings_;
  const Params params_;
  dist::Communicator& workers_;
  compute::Backend& backend_;
  compute::Queue& queue_;
  job::DenseStaging staging_;

  std::optional<job::Passes> passes_;
  std::span<const formats::Batch> first_;   // pieces of the first mini-batch, read before its epoch
  std::size_t first_rows_ = 0;              // of all processes
  std::size_t d_ = 0, k_ = 0, streaming_k_ = 0;

  compute::Mat centers_, weights_, sums_, counts_, loss_;
  std::unique_ptr<compute::Backend::Centers> prepared_;

  Course course_;
  bool under_way_ = false;         // of the mini-batch some rows have been taken
  std::vector<double> host_;       // scratch of combine()
  bool measures_ = false;          // this mini-batch's loss is wanted
  std::optional<Shrunk> shrunk_;
};

}  // namespace smtrain::kmeans
