// The Backend on this machine's cores: the reference for every other.
#pragma once

#include "base/machine.h"
#include "compute/backend.h"
#include "compute/cpu/factor.h"
#include "compute/cpu/gemm.h"
#include "compute/cpu/gram.h"
#include "compute/cpu/learning.h"
#include "compute/cpu/nearest.h"
#include "compute/cpu/search.h"
#include "compute/cpu/vector_product.h"

namespace smtrain::compute {

/// Every operation is finished when it returns; threads stay OpenMP's. `nearest`, `min_distance`, `top_nearest`, `factor_scores`, `load` of rows that
/// are nobody else's, and the copies may be called from several threads at once; `nearest_sum` and `gemm` exclude each other's calls;
/// the rest is for one thread. Buffers may outlive the backend.
class CpuBackend final : public Backend {
 public:
  /// With the kernels of `level`, which the CPU must have. Refuses an OpenBLAS of another threading model.
  CpuBackend(int threads, KernelLevel level);

  const DeviceInfo& device() const override { return device_; }
  bool supports(Op op, DType type) const override;
  Queue& main_queue() override { return queue_; }
  void wait(Queue& queue) override;

  Mat allocate(std::size_t rows, std::size_t cols, DType type) override;
  Mat stage(Queue& queue, const float* host, std::size_t rows, std::size_t cols, std::size_t ld,
            std::shared_ptr<const void> owner) override;
  void write(Queue& queue, const Mat& to, const void* from) override;
  void read(Queue& queue, void* to, const Mat& from) override;
  void zero(Queue& queue, const Mat& m) override;
  void densify(Queue& queue, const CsrView& from, const Mat& to) override;

  void gemm(Queue& queue, bool transpose_a, bool transpose_b, double alpha, const Mat& a, const Mat& b, double beta,
            const Mat& c) override;
  void add_gram(Queue& queue, const Mat& y, const Mat& g) override;
  std::unique_ptr<Centers> make_centers(std::size_t k, std::size_t d) override;
  void refresh(Queue& queue, Centers& centers, const Mat& c) override;
  void nearest(Queue& queue, const Mat& x, const Centers& centers, const Mat& ids, const Mat& distances) override;
  void nearest_sum(Queue& queue, const Mat& x, const Mat& weights, const Centers& centers, const Mat& ids, const Mat& sums,
                   const Mat& counts, const Mat& loss) override;
  void min_distance(Queue& queue, const Mat& x, const Mat& c, const Mat& d2) override;
  void blend_means(Queue& queue, const Mat& sums, const Mat& counts, double decay, const Mat& c, const Mat& n) override;

  std::unique_ptr<Points> make_points(Queue& queue, const Mat& rows, Closeness closeness) override;
  void top_nearest(Queue& queue, const Mat& x, const Points& points, const Mat& ids, const Mat& scores) override;

  void standardize(Queue& queue, const Mat& x, const Mat& shift, const Mat& scale, const Mat& y) override;
  std::unique_ptr<SparseRows> make_sparse_rows() override;
  void load(Queue& queue, SparseRows& to, const CsrView& from, const Mat& scale, std::shared_ptr<const void> owner) override;
  std::unique_ptr<RowSet> make_row_set(std::size_t rows) override;
  void multiply(Queue& queue, const SparseRows& x, const Mat& w, const Mat& z) override;
  void multiply_transposed(Queue& queue, const SparseRows& x, const Mat& r, const Mat& g, RowSet& touched) override;
  PickedRows pick(Queue& queue, const RowSet& set, const Mat& g) override;
  void put(Queue& queue, const PickedRows& rows, RowSet& set, const Mat& g) override;
  void derive_loss(Queue& queue, const LossRule& rule, const Mat& labels, const Mat& weights, const Mat& positive, const Mat& bias,
                   const Mat& z, const Mat& bias_gradient, const Mat& loss) override;
  void step(Queue& queue, const StepRule& rule, const Mat& columns, const Mat& g, const Mat& t, const Mat& m, const Mat& v,
            RowSet* touched, const Mat& trail) override;
  void factor_scores(Queue& queue, const SparseRows& x, const Mat& p, const Mat& s, const Mat& z) override;
  void factor_gradient(Queue& queue, const SparseRows& x, const Mat& p, const Mat& s, const Mat& r, const Mat& g, RowSet& touched) override;

 private:
  const PackedCenters& packed(const char* op, const Centers& centers) const;

  DeviceInfo device_;
  const NearestKernels& kernels_;
  const SearchKernels& search_kernels_;
  Queue queue_;
  Gemm gemm_;
  Gram gram_;
  NearestSum nearest_sum_;
  const LearningKernels& learning_kernels_;
  Learning learning_;
  VectorProduct vector_product_;
  TransposedProduct transposed_product_;
  const FactorKernels& factor_kernels_;
};

}  // namespace smtrain::compute
