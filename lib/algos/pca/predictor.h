// Trained components: answering, saving, loading.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "formats/archive/safetensors.h"
#include "job/algorithm.h"

namespace smtrain::pca {

/// The components of a model, everywhere from the weakest to the strongest.
struct Components {
  std::size_t d = 0;
  std::vector<float> mean;      ///< (d); empty: nothing is subtracted
  std::vector<double> values;   ///< (k) singular values
  std::vector<float> vectors;   ///< (k, d), a component a row
  double total = 0;             ///< sum of the squared singular values of all d components; 0: unknown (a model of the service)
  std::uint64_t rows = 0;       ///< trained on; 0: unknown
  std::string mode;             ///< "regular", "randomized"; empty: unknown

  std::size_t k() const { return values.size(); }
  /// Of the total, or of those kept where the total is unknown; 0 where nothing varies.
  double share(std::size_t component) const;
  double share_kept() const;
};

class PcaPredictor final : public job::Predictor {
 public:
  /// running: tensors that are saved beside, so that training can go on.
  explicit PcaPredictor(Components components, std::vector<formats::NamedTensor> running = {});

  std::size_t feature_dim() const override { return c_.d; }
  const Components& components() const { return c_; }

  std::unique_ptr<Scratch> make_scratch(compute::Backend& backend) const override;
  /// Column projection: (x - mean) v, k numbers, that of the strongest component last.
  void predict(compute::Backend& backend, const formats::Batch& batch, const job::AnswerRequest&, Scratch& scratch,
               formats::Prediction& out) const override;
  /// Tensors mean, singular_values, components and the running sums; model_algo-1 and its sidecar model_algo-1.json.
  void save(job::Model& model) const override;
  std::vector<std::pair<std::string, std::string>> facts() const override;

 private:
  void project_entries(const formats::Batch& batch, float* to) const;

  Components c_;
  std::vector<formats::NamedTensor> running_;
  std::vector<double> by_column_;  // (d, k): the components, column by column
  std::vector<double> origin_;     // (k): mean v
};

/// From a tarball of ours, or of the service (model_algo-1). Throws a user Error that names the member.
std::unique_ptr<PcaPredictor> load(const job::Model& model);

/// Whether a tarball without a manifest holds what the service writes for PCA.
bool recognises(const job::Model& model);

}  // namespace smtrain::pca
