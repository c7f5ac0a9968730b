// The Backend on this machine's cores: the reference for every other.
#pragma once

#include "base/machine.h"
#include "compute/backend.h"
#include "compute/cpu/gemm.h"
#include "compute/cpu/nearest.h"

namespace smtrain::compute {

/// Every operation is finished when it returns; threads stay OpenMP's. `nearest`, `min_distance` and the copies may be called
/// from several threads at once; `nearest_sum` and `gemm` exclude each other's calls. Buffers may outlive the backend.
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
  std::unique_ptr<Centers> make_centers(std::size_t k, std::size_t d) override;
  void refresh(Queue& queue, Centers& centers, const Mat& c) override;
  void nearest(Queue& queue, const Mat& x, const Centers& centers, const Mat& ids, const Mat& distances) override;
  void nearest_sum(Queue& queue, const Mat& x, const Mat& weights, const Centers& centers, const Mat& ids, const Mat& sums,
                   const Mat& counts, const Mat& loss) override;
  void min_distance(Queue& queue, const Mat& x, const Mat& c, const Mat& d2) override;
  void blend_means(Queue& queue, const Mat& sums, const Mat& counts, double decay, const Mat& c, const Mat& n) override;

 private:
  const PackedCenters& packed(const char* op, const Centers& centers) const;

  DeviceInfo device_;
  const NearestKernels& kernels_;
  Queue queue_;
  Gemm gemm_;
  NearestSum nearest_sum_;
};

}  // namespace smtrain::compute
