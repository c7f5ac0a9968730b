// A trained model that answers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "algos/xgboost/answers.h"
#include "algos/xgboost/artifact.h"
#include "job/algorithm.h"

namespace smtrain::xgboost {

class XgboostPredictor final : public job::Predictor {
 public:
  /// Of one model, or of the folds' models, whose answers are put together.
  XgboostPredictor(const Library& library, Artifact artifact);

  std::size_t feature_dim() const override { return answers_.feature_dim(); }
  std::unique_ptr<Scratch> make_scratch(compute::Backend& backend) const override { return answers_.make_scratch(backend); }
  std::vector<job::AnswerColumn> answer_columns() const override { return answers_.columns(); }
  void predict(compute::Backend&, const formats::Batch& batch, const job::AnswerRequest& wanted, Scratch& scratch,
               formats::Prediction& out) const override {
    answers_.predict(batch, wanted, scratch, out);
  }
  void save(job::Model& model) const override;
  /// Of trees the importance of each feature, (features, 5): weight, gain, cover, total_gain, total_cover; of a linear model its
  /// weights, (features, classes). Of the first model.
  std::optional<job::Coefficients> coefficients() const override { return importance_of(answers_.models().front()); }
  /// As the engine writes it; of several models none.
  std::optional<std::string> as_json() const override;
  /// Of the first model, and how many there are.
  std::vector<std::pair<std::string, std::string>> facts() const override;

 private:
  const Artifact artifact_;
  const Answers answers_;
};

/// Throws a user Error that names the member.
std::unique_ptr<job::Predictor> load(const job::Model& model);

}  // namespace smtrain::xgboost
