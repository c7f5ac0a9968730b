// Trained centres: answering, saving, loading.
#pragma once

#include <memory>
#include <vector>

#include "job/algorithm.h"

namespace smtrain::kmeans {

/// State of the stream before centres were reduced, so that training can go on from a saved model.
struct StreamState {
  std::vector<float> centers;   ///< (K, d)
  std::vector<double> counts;   ///< (K): decayed rows behind each centre
};

/// The centres of a model.
class KMeansPredictor final : public job::Predictor {
 public:
  /// centers (k, d) packed. counts (k): rows behind each centre, empty when unknown (a model of the service).
  KMeansPredictor(std::vector<float> centers, std::vector<double> counts, std::size_t d, StreamState stream);

  std::size_t feature_dim() const override { return d_; }
  std::size_t k() const { return centers_.size() / d_; }
  const std::vector<float>& centers() const { return centers_; }
  const std::vector<double>& counts() const { return counts_; }
  const StreamState& stream() const { return stream_; }

  std::unique_ptr<Scratch> make_scratch(compute::Backend& backend) const override;
  /// Columns closest_cluster and distance_to_cluster (Euclidean, not squared).
  void predict(compute::Backend& backend, const formats::Batch& batch, const job::AnswerRequest&, Scratch& scratch,
               formats::Prediction& out) const override;
  /// Tensors centers, counts and the stream's; model_algo-1 and its sidecar model_algo-1.json.
  void save(job::Model& model) const override;
  std::vector<std::pair<std::string, std::string>> facts() const override;

 private:
  std::vector<float> centers_;
  std::vector<double> counts_;
  std::size_t d_;
  StreamState stream_;
};

/// From a tarball of ours, or of the service (model_algo-1). Throws a user Error that names the member.
std::unique_ptr<KMeansPredictor> load(const job::Model& model);

/// Whether a tarball without a manifest holds what the service writes for k-means.
bool recognises(const job::Model& model);

}  // namespace smtrain::kmeans
