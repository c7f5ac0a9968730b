// What trained boosters answer.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "algos/xgboost/booster.h"
#include "job/algorithm.h"

namespace smtrain::xgboost {

/// Answers of one booster, or of several that were trained on parts of the same rows: their average, or for objectives that say
/// nothing but a class (multi:softmax, binary:hinge) what most of them say, the lowest class among equals. Rows are read where they
/// lie. The numbers are the engine's, the same for any number of threads and rows at a time. const and safe from many threads.
///
/// The plain answer is `score`: the probability of class 1 (binary:logistic), the margin (binary:logitraw), the class (multi:softmax),
/// a list of probabilities (multi:softprob), else the value. By name:
///   predicted_label   the class; class 1 is where the probability is above 0.5, the margin above 0
///   labels            all classes
///   probability       of class 1, or of the predicted class where there are more
///   probabilities     of all classes
///   raw_score         the score of class 1, or of the predicted class where there are more (multi:softmax: its margin)
///   raw_scores        of all classes: 1 - s and s, binary:logitraw -s and s; multi:softmax margins
///   predicted_score   the value, where the objective predicts no class
///   contribs          what each feature adds to the margin (SHAP), the bias last, class by class
class Answers {
 public:
  /// At least one model; all of one objective and width.
  explicit Answers(std::vector<Booster> models);

  std::size_t feature_dim() const { return features_; }
  /// As job::Predictor has them.
  std::unique_ptr<job::Predictor::Scratch> make_scratch(compute::Backend& backend) const;
  std::vector<job::AnswerColumn> columns() const;
  void predict(const formats::Batch& batch, const job::AnswerRequest& wanted, job::Predictor::Scratch& scratch,
               formats::Prediction& out) const;

  const std::vector<Booster>& models() const { return models_; }
  const std::string& objective() const { return objective_; }
  /// "gbtree", "dart", "gblinear".
  const std::string& booster() const { return booster_; }
  std::size_t classes() const { return classes_; }

 private:
  enum class Family { logistic, logitraw, hinge, softmax, softprob, value };
  /// Averages over models, or votes.
  struct Work;

  void settle(const std::string& config);
  bool votes() const { return family_ == Family::softmax || family_ == Family::hinge; }
  bool answers(std::string_view column) const;
  void run(std::size_t model, const formats::Batch& batch, PredictionType type, Work& work, std::vector<float>& to) const;
  const std::vector<float>& scores(const formats::Batch& batch, PredictionType type, std::size_t models, Work& work,
                                   std::vector<float>& to) const;
  void fill(const std::string& name, const formats::Batch& batch, std::size_t models, Work& work, formats::PredictionColumn& column) const;

  mutable std::vector<Booster> models_;  // the first scratch settles their threads
  mutable std::once_flag threads_set_;
  std::string objective_, booster_;
  std::size_t features_ = 0, classes_ = 0;
  Family family_ = Family::value;
};

}  // namespace smtrain::xgboost
