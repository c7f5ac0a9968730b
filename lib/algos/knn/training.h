// One training run of k-nearest neighbours; private to knn_start.cc, knn_train.cc and knn_finish.cc.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "algos/knn/build_index.h"
#include "algos/knn/params.h"
#include "algos/knn/predictor.h"
#include "algos/knn/projection.h"
#include "algos/knn/reservoir.h"
#include "job/passes.h"

namespace smtrain::knn {

/// Sums over columns of some rows as they came, of which deviations follow.
struct ColumnSpread {
  std::uint64_t rows = 0;
  std::vector<double> sums, squares;
  void add(const float* row);
};

/// A row on its way to the sample, before its numbers.
struct Head {
  std::uint64_t slot = 0, t = 0;
  float label = 0, unused = 0;
};

/// Runs once; context and settings outlive it.
class Trainer final : public job::Learner {
 public:
  Trainer(job::Context& context, job::Settings& settings)
      : context_(context),
        settings_(settings),
        params_(settings.as<Params>()),
        workers_(context.communicator()),
        backend_(context.backend()) {}

  std::unique_ptr<job::Predictor> run();

  // knn_train.cc: job::Passes calls these
  void take(const formats::Batch& piece) override { pieces_.push_back(piece); }
  std::uint64_t update(std::uint64_t rows) override;
  void save(job::State& state) const override;

 private:
  // knn_start.cc: from the settings to an empty sample, or that of a model or a checkpoint
  void open();
  void warn_of_idle_settings() const;
  void resolve_shape();
  void check_memory() const;
  void start();
  void start_from_model();
  void check_start_model(const Knowledge& before) const;
  // knn_train.cc
  std::uint64_t rows_before(std::uint64_t own_rows, std::uint64_t& all_rows);
  void accept(std::uint64_t first, const std::function<void(const Head&, const float*)>& use);
  void store(std::string_view packed);
  // knn_finish.cc: from the sample to the model and its scores
  std::unique_ptr<KnnPredictor> finish();
  IndexPlan plan(std::size_t rows);
  void check_sample(std::size_t rows) const;
  void warn_of_labels() const;
  void warn_of_scales();
  void report_recall(const Index& index) const;
  std::unique_ptr<KnnPredictor> share(std::unique_ptr<KnnPredictor> model);
  void score(const KnnPredictor& model);

  job::Context& context_;
  job::Settings& settings_;
  const Params params_;
  dist::Communicator& workers_;
  compute::Backend& backend_;

  std::optional<job::Passes> passes_;
  Shape shape_;
  std::size_t parts_ = 0;          // of a code
  std::uint64_t seen_ = 0;         // rows of all processes, and of the start model
  std::optional<RowShaper> shaper_;
  std::optional<SlotDraws> draws_;
  std::optional<Reservoir> reservoir_;  // filled on the first process alone
  std::vector<formats::Batch> pieces_;  // of the mini-batch under way
  ColumnSpread spread_;                 // of the first rows that this process has met
};

}  // namespace smtrain::knn
