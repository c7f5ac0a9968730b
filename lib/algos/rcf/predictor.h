// Trained forests: answering, saving, loading.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "algos/rcf/artifact.h"
#include "algos/rcf/score.h"
#include "job/algorithm.h"

namespace smtrain::rcf {

/// Scores of the points of a forest that are in its trees, on `threads` threads.
ScoreStats stats_of(const Forest& forest, const Scorer& scorer, int threads);

constexpr const char* kScore = "score";
constexpr const char* kDepth = "depth";
constexpr const char* kAttribution = "attribution";
constexpr const char* kAnomaly = "predicted_anomaly";

/// The columns of an answer, in order.
std::vector<std::string> columns_of(const job::AnswerRequest& wanted);
/// Empty columns for `rows` answers of these names, of points of d numbers.
void lay_out(const std::vector<std::string>& columns, std::size_t rows, std::size_t d, formats::Prediction& out);
/// One answer.
void fill(formats::Prediction& out, std::size_t row, const Explanation& said, double cutoff);
/// Whether these columns need more than scores.
bool needs_explanation(const std::vector<std::string>& columns);

class RcfPredictor final : public job::Predictor {
 public:
  explicit RcfPredictor(RcfModel model) : model_(std::move(model)), scorer_(model_.forest) {}

  const RcfModel& model() const { return model_; }
  const Scorer& scorer() const { return scorer_; }
  void set_stats(const ScoreStats& stats) { model_.stats = stats; }

  std::size_t feature_dim() const override { return model_.feature_dim; }
  /// Of a model of shingles it holds the rows that came last: those of the series trained on, to begin with.
  std::unique_ptr<Scratch> make_scratch(compute::Backend& backend) const override;
  std::vector<job::AnswerColumn> answer_columns() const override;
  /// score; verbose: depth and attribution as well. A model of shingles answers for each row that ends one.
  void predict(compute::Backend& backend, const formats::Batch& batch, const job::AnswerRequest& wanted, Scratch& scratch,
               formats::Prediction& out) const override;
  std::unique_ptr<job::Updater> updater() const override;
  /// model_algo-1, the file that artifact.h describes.
  void save(job::Model& model) const override;
  std::vector<std::pair<std::string, std::string>> facts() const override;

 private:
  RcfModel model_;
  Scorer scorer_;
};

/// From a tarball of ours. Throws a user Error that names the member.
std::unique_ptr<RcfPredictor> load(const job::Model& model);

/// Whether a tarball without a manifest holds a forest of smtrain.
bool recognises(const job::Model& model);

}  // namespace smtrain::rcf
