// A model that answers from the labels of neighbours: answering, saving, loading.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "algos/knn/index.h"
#include "algos/knn/projection.h"
#include "job/algorithm.h"

namespace smtrain::knn {

/// All that a model is.
struct Knowledge {
  Task task = Task::classifier;
  std::size_t k = 0;
  Shape shape;
  Index index;
  std::vector<float> labels;           ///< (rows)
  std::vector<std::int64_t> positions; ///< (rows): in the training input, from 0; empty: unknown (a model of the service)
  std::uint64_t rows_seen = 0;         ///< of which the index holds a sample; 0: unknown
};

class KnnPredictor final : public job::Predictor {
 public:
  explicit KnnPredictor(Knowledge knowledge) : knows_(std::move(knowledge)) {}

  const Knowledge& knowledge() const { return knows_; }
  std::size_t feature_dim() const override { return knows_.shape.feature_dim; }
  std::unique_ptr<Scratch> make_scratch(compute::Backend& backend) const override;
  std::vector<job::AnswerColumn> answer_columns() const override;
  void predict(compute::Backend& backend, const formats::Batch& batch, const job::AnswerRequest& wanted, Scratch& scratch,
               formats::Prediction& out) const override;
  /// model_algo-1 and its companions, tensor positions.
  void save(job::Model& model) const override;
  std::vector<std::pair<std::string, std::string>> facts() const override;

 private:
  void fill_column(const std::string& name, Scratch& scratch, formats::PredictionColumn& out) const;

  const Knowledge knows_;
};

/// From a tarball of ours, or of the service. Throws a user Error that names the member.
std::unique_ptr<KnnPredictor> load(const job::Model& model);

/// Whether a tarball without a manifest holds what the service writes for k-nearest neighbours.
bool recognises(const job::Model& model);

}  // namespace smtrain::knn
