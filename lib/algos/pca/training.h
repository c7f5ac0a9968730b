// One training run of PCA; private to pca_train.cc and pca_finish.cc.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "algos/pca/params.h"
#include "algos/pca/predictor.h"
#include "algos/pca/sums.h"
#include "job/passes.h"

namespace smtrain::pca {

/// Runs once; context and settings outlive it.
class Trainer final : public job::Learner {
 public:
  Trainer(job::Context& context, job::Settings& settings)
      : context_(context), settings_(settings), params_(settings.as<Params>()), workers_(context.communicator()) {}

  std::unique_ptr<job::Predictor> run();

  // job::Passes calls these
  void take(const formats::Batch& piece) override { sums_->add(piece); }
  std::uint64_t update(std::uint64_t rows) override { return sums_->close(rows); }
  void save(job::State& state) const override;

 private:
  // pca_train.cc: from the data to the sums
  void open();
  std::size_t rows_at_once() const;
  void check_settings();
  void check_memory() const;
  std::size_t sketch_rows() const;
  std::vector<double> choose_shift();
  void start();
  void check_rows() const;
  // pca_finish.cc: from the sums to the model and its scores
  std::unique_ptr<PcaPredictor> finish();
  void report(const Components& c) const;
  void score_train(const Components& c);
  void score_test(const Components& c);

  job::Context& context_;
  job::Settings& settings_;
  const Params params_;
  dist::Communicator& workers_;

  std::optional<job::Passes> passes_;
  std::size_t d_ = 0, k_ = 0;
  std::uint64_t rows_before_ = 0;  // of the start model
  bool reported_ = false;          // the final metrics of the train channel are out
  double weight_ = 0;              // of all rows
  std::vector<double> shift_;
  std::unique_ptr<Sums> sums_;
};

}  // namespace smtrain::pca
