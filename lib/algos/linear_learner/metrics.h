// Scores of a finished model, from its raw scores and the labels of a channel.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "algos/linear_learner/loss.h"
#include "algos/linear_learner/params.h"
#include "dist/communicator.h"

namespace smtrain::linear {

/// One line of the log: "binary_f_1.000 <score>=0.8".
struct Score {
  std::string name;       ///< as the log has it, with β or k: "binary_f_1.000"
  std::string published;  ///< as metrics are published: "binary_f_beta"; objective_loss for the objective
  double value = 0;       ///< NaN where it is not defined: the AUC of one class
  bool smaller_is_better = false;
};

struct ScoringRule {
  PredictorType predictor_type = PredictorType::binary_classifier;
  LossFunction loss;
  std::size_t classes = 1;                ///< columns of scores: num_classes, or 1
  double threshold = kNaturalThreshold;   ///< binary, on the scale of answer_of()
  double f_beta = 1;
  std::int64_t top_k = 3;
  std::size_t roc_rows = std::size_t{1} << 23;  ///< rows up to which the AUC is exact for certain: RocCurve
};

ScoringRule scoring_rule(const Params& params, double threshold, double positive_weight = 1);

/// "mse_objective", "binary_classification_cross_entropy_objective", "hinge_loss_objective".
std::string objective_name(Loss loss);

/// Takes the rows of a channel, in any number of pieces, in memory that does not grow with them (but for the AUC: RocCurve). Sums
/// are of doubles, in the order of the rows. Not thread-safe.
///
/// In the order of the service's log:
///  binary      objective, accuracy, F_β, precision, recall of label 1, area under the ROC curve
///  multiclass  objective, accuracy, top-k accuracy, dcg (mean of 1 / log2(1 + rank of the row's class)), macro recall, precision
///              and F_β (means over the classes that occur among the labels; F of a class from its own precision and
///              recall), balanced accuracy (the macro recall), log loss (the objective, without class weights)
///  regression  objective, mse, absolute loss, rmse
/// Quotients without a denominator are 0: the precision where nothing was predicted 1. Of equal scores the lower class comes first.
class Scorer {
 public:
  virtual ~Scorer() = default;
  /// scores (rows, classes): raw scores f with their bias, `ld` numbers between rows; labels (rows), already checked.
  virtual void add(const float* scores, std::size_t rows, std::size_t ld, const float* labels) = 0;
  /// The sums of all processes, on each of them. Collective; before finish().
  virtual void gather(dist::Communicator& communicator) = 0;
  virtual std::uint64_t rows() const = 0;
  /// The scores of all rows; once. `warnings`: what they leave open.
  virtual std::vector<Score> finish(std::vector<std::string>& warnings) = 0;
};

std::unique_ptr<Scorer> make_scorer(const ScoringRule& rule);

}  // namespace smtrain::linear
