// One training run of a random cut forest; private to rcf_train.cc and rcf_finish.cc.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "algos/rcf/params.h"
#include "algos/rcf/predictor.h"
#include "algos/rcf/reservoir.h"
#include "algos/rcf/shingle.h"
#include "algos/rcf/test_scores.h"
#include "job/passes.h"

namespace smtrain::rcf {

/// Runs once; context and settings outlive it.
class Trainer final : public job::Learner {
 public:
  Trainer(job::Context& context, job::Settings& settings)
      : context_(context), settings_(settings), params_(settings.as<Params>()), workers_(context.communicator()) {}

  std::unique_ptr<job::Predictor> run();

  // job::Passes calls these
  void take(const formats::Batch& piece) override;
  std::uint64_t update(std::uint64_t rows) override;
  void save(job::State& state) const override;

 private:
  // rcf_train.cc: from the data to the sample
  void check_settings();
  void open();
  void check_labels() const;
  void check_memory() const;
  void start();
  std::size_t points_at_once() const;
  void start_from(const job::Model& model);
  // rcf_finish.cc: from the sample to the forest and its scores
  void finish();
  void check_sample(std::size_t rows) const;
  void shuffle(std::vector<float>& points) const;
  void warn_of_ranges(const Forest& forest) const;
  void report() const;
  void score_test();
  void check_test_labels(const formats::Batch& batch) const;
  void publish(const TestScores& scores) const;
  int threads() const { return context_.backend().device().threads; }
  std::uint64_t seed() const { return params_.seed ? static_cast<std::uint64_t>(*params_.seed) : context_.seed(); }

  job::Context& context_;
  job::Settings& settings_;
  const Params params_;
  dist::Communicator& workers_;

  std::optional<job::Passes> passes_;
  std::size_t d_ = 0;  // of the rows as they come
  std::optional<Shingler> shingler_;
  std::optional<Reservoir> sample_;
  std::unique_ptr<RcfPredictor> model_;
};

}  // namespace smtrain::rcf
