// Trained linear models: answering, saving, loading.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "algos/linear_learner/loss.h"
#include "algos/linear_learner/params.h"
#include "job/algorithm.h"

namespace smtrain::linear {

/// What a training comes to. Weights and bias apply to features as they are in the data, whatever was normalised for training.
struct LinearModel {
  PredictorType predictor_type = PredictorType::binary_classifier;
  Loss loss = Loss::logistic;             ///< never automatic
  std::size_t classes = 1;                ///< num_classes, or 1
  std::size_t d = 0;                      ///< feature_dim
  std::vector<float> weights;             ///< (classes, d)
  std::vector<float> bias;                ///< (classes); zeros without use_bias
  double threshold = kNaturalThreshold;   ///< binary, on the scale of answer_of()
  std::string criterion;                  ///< what chose it: "accuracy", "mse_objective"; "" when unknown
  std::optional<double> criterion_value;  ///< reached on the rows that chose
  std::map<std::string, std::string> chosen;  ///< hyperparameters of the model among those of the grid: chosen() of grid.h
  std::vector<std::string> columns;           ///< names of the features, or empty
  std::vector<formats::NamedTensor>
      continuation;  ///< what training goes on from; names of the trainer's, other than those of save()
};

class LinearPredictor final : public job::Predictor {
 public:
  /// Throws an internal Error when the sizes do not agree.
  explicit LinearPredictor(LinearModel model);

  const LinearModel& model() const { return model_; }
  std::size_t feature_dim() const override { return model_.d; }

  std::unique_ptr<Scratch> make_scratch(compute::Backend& backend) const override;
  /// f (rows, classes): the raw scores b + w·x, packed; what a Scorer takes. Dense rows go through the backend; sparse ones cost by
  /// their numbers that are not zero and are computed on the host, in double. A row's scores depend on that row alone.
  void raw_scores(compute::Backend& backend, const formats::Batch& batch, Scratch& scratch, std::vector<float>& f) const;
  /// Columns score and, but for regression, predicted_label. Several classes: score is the list of their probabilities.
  void predict(compute::Backend& backend, const formats::Batch& batch, const job::AnswerRequest&, Scratch& scratch,
               formats::Prediction& out) const override;
  /// (classes, d + 1): the weights of each class, under the names of their features or f0, f1, ..., and its bias.
  std::optional<job::Coefficients> coefficients() const override;
  /// Tensors weights, bias and those of the continuation; model_algo-1 as the service writes it.
  void save(job::Model& model) const override;
  std::vector<std::pair<std::string, std::string>> facts() const override;

 private:
  LinearModel model_;
};

/// From a tarball of ours, or of the service (model_algo-1, a zip). Throws a user Error that names the member.
std::unique_ptr<LinearPredictor> load(const job::Model& model);

/// Whether a tarball without a manifest holds what the service writes for linear-learner.
bool recognises(const job::Model& model);

}  // namespace smtrain::linear
