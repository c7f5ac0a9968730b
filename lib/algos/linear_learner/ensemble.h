// The models of a run, trained side by side over one reading of the rows.
//
// Costs of a mini-batch of b rows with P scores each (models times classes): dense 4 b d P operations in two matrix products, and
// 4 b d bytes read; sparse 4 n P operations on its n numbers, whose rows of weights come from cache. A step moves 5 numbers of each
// weight: all of them with dense rows, with sparse ones those of the features that occurred.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "algos/linear_learner/grid.h"
#include "algos/linear_learner/params.h"
#include "algos/linear_learner/scaler.h"
#include "base/random.h"
#include "compute/backend.h"
#include "dist/communicator.h"
#include "formats/batch.h"
#include "job/state.h"

namespace smtrain::linear {

/// Weights in the units of the scaler; of model m and class c in column c * models + m.
struct Weights {
  std::vector<float> theta;  ///< (d, classes * models)
  std::vector<float> bias;   ///< (classes * models)
};

/// What an optimizer remembers; empty where its rule needs none. Shapes as Weights.
struct Moments {
  Weights first, second;
  std::uint64_t steps = 0;
};

struct EnsembleShape {
  std::size_t d = 0, classes = 1;
  bool sparse = false;
};

/// What scores are judged by, in the units of the scaler.
compute::LossRule loss_rule(const Params& params, const Scaler& scaler);

/// A loss in the units of the scaler times this is one in the units of the label.
double loss_unit(const Params& params, const Scaler& scaler);

/// Not thread-safe; backend and workers outlive it.
class Ensemble {
 public:
  Ensemble(compute::Backend& backend, dist::Communicator& workers, const Params& params, const std::vector<GridPoint>& points,
           const Scaler& scaler, const EnsembleShape& shape);

  std::size_t models() const { return points_.size(); }
  /// Bytes of the parameters of so many models, with gradients and moments.
  static double bytes(const EnsembleShape& shape, std::size_t models);

  /// Starts by init_method; `stream` gives each model draws of its own.
  void start(const std::function<RandomStream(std::size_t model)>& stream);
  void set(const Weights& weights);
  Weights weights() const;
  /// The mean of the weights after each update since begin_average, or the weights (Polyak, Juditsky 1992).
  Weights average() const;
  void begin_average();
  void set(const Moments& moments);
  Moments moments() const;

  /// Factors of rows by their class, or empty; their mean over rows should be 1.
  void weigh_classes(std::vector<float> weights) { class_weights_ = std::move(weights); }

  /// Adds a piece of a mini-batch to the gradients.
  void take(const formats::Batch& piece);
  /// One step by the mean gradient over the rows of all processes, whose number is returned. `rows`: of this process. Collective.
  std::uint64_t update(std::uint64_t rows);

  /// Losses of each model, summed over the rows since the last call: weighted, in the units of the label, as weights moved.
  std::vector<double> take_losses();

  /// Adds the losses of a batch to `losses` (models), in the units of the label, and puts raw scores (rows, classes * models) in
  /// those units into `scores`.
  void evaluate(const formats::Batch& batch, std::span<double> losses, std::vector<float>& scores);

  void save(job::State& state) const;
  void restore(const job::State& state);

 private:
  using Mat = compute::Mat;
  /// Some rows of a batch with their scores; x is empty where they are sparse: rows_ holds them.
  struct Chunk {
    Mat x, z;
    std::size_t first;
  };
  void lay_out_features();
  using UseChunk = std::function<void(const Chunk&)>;
  void forward(const formats::Batch& batch, const UseChunk& use);
  void forward_dense(const formats::Batch& batch, const UseChunk& use);
  void forward_sparse(const formats::Batch& batch, const UseChunk& use);
  void derive(const formats::Batch& batch, const Chunk& chunk, const Mat& bias_gradient, const Mat& loss);
  Mat labels_of(const formats::Batch& batch, const Chunk& chunk);
  Mat weights_of(const formats::Batch& batch, const Chunk& chunk);
  std::uint64_t sum_over_processes(std::uint64_t rows);
  void set_rates();
  std::vector<float> read(const Mat& m) const;
  Mat filled(std::size_t rows, std::size_t cols, const std::vector<float>& numbers);

  compute::Backend& backend_;
  compute::Queue& queue_;
  dist::Communicator& workers_;
  const Params params_;
  const std::vector<GridPoint> points_;
  const Scaler scaler_;
  const EnsembleShape shape_;
  const std::size_t width_;  // classes * models
  const compute::LossRule loss_rule_;
  compute::StepRule step_rule_;

  Mat shift_, scale_, positive_;
  Mat theta_, gradient_, first_, second_;
  Mat bias_, bias_gradient_, bias_first_, bias_second_;
  Mat trail_, bias_trail_;
  std::uint64_t averaged_ = 0;       // updates since begin_average
  Mat rates_, bias_rates_;           // (3, width): rate, decay, l1
  std::vector<double> rates_now_;    // of each model, as rates_ has them
  Mat loss_, spare_loss_, spare_bias_gradient_;
  std::vector<double> losses_;       // of other processes too, since the last take_losses()
  std::vector<float> class_weights_;

  std::unique_ptr<compute::Backend::SparseRows> rows_;
  std::unique_ptr<compute::Backend::RowSet> touched_;
  Mat standardized_, scores_, label_column_, weight_column_;  // of a chunk of rows
  std::vector<float> labels_, row_weights_;
  std::vector<double> host_;
};

}  // namespace smtrain::linear
