// A trained factorization machine: answering, ranking, saving, loading.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "algos/factorization_machines/params.h"
#include "job/algorithm.h"

namespace smtrain::fm {

/// The parameters. Row i of `rows` (d, k + 1) holds the factors v_i and then the linear term w_i of feature i.
struct Weights {
  std::size_t d = 0, k = 0;
  float w0 = 0;
  std::shared_ptr<std::vector<float>> rows = std::make_shared<std::vector<float>>();
};

/// Adam's running means of gradients and of their squares, shaped as the parameters, and its steps so far.
struct Moments {
  std::vector<float> m, v;
  float m0 = 0, v0 = 0;
  std::uint64_t steps = 0;
};

class FmPredictor final : public job::Predictor, public job::Ranker {
 public:
  /// `moments`: so that training can go on from a saved model; a model of the service has none.
  FmPredictor(Task task, Weights weights, std::optional<Moments> moments)
      : task_(task), weights_(std::move(weights)), moments_(std::move(moments)) {}

  std::size_t feature_dim() const override { return weights_.d; }
  Task task() const { return task_; }
  const Weights& weights() const { return weights_; }
  const std::optional<Moments>& moments() const { return moments_; }

  std::unique_ptr<Scratch> make_scratch(compute::Backend& backend) const override;
  /// Column score; of a binary_classifier also predicted_label.
  void predict(compute::Backend& backend, const formats::Batch& batch, const job::AnswerRequest&, Scratch& scratch,
               formats::Prediction& out) const override;
  /// f of each row (specification 4.1), before anything is made of it.
  void scores(compute::Backend& backend, const formats::Batch& batch, Scratch& scratch, std::vector<float>& f) const;

  const job::Ranker* ranker() const override { return this; }
  /// Columns items and scores: of each row, whose features within the candidates are left out, f with one candidate at 1 instead.
  void rank(compute::Backend& backend, const formats::Batch& batch, const job::Candidates& candidates, Scratch& scratch,
            formats::Prediction& out) const override;

  /// Tensors v, w1_weight, w0_weight and the moments; model_algo-1.
  void save(job::Model& model) const override;
  std::vector<std::pair<std::string, std::string>> facts() const override;

 private:
  Task task_;
  Weights weights_;
  std::optional<Moments> moments_;
};

/// From a tarball of ours, or of the service (model_algo-1, of a sparse or a dense network). Throws a user Error that names the member.
std::unique_ptr<FmPredictor> load(const job::Model& model);

/// Whether a tarball without a manifest holds what the service writes for factorization machines.
bool recognises(const job::Model& model);

}  // namespace smtrain::fm
