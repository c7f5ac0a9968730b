// The Backend on a GPU.
#pragma once

#include <memory>
#include <mutex>

#include "compute/backend.h"
#include "gpu/device.h"
#include "gpu/plan.h"
#include "gpu/staged_cache.h"
#include "gpu/staging.h"

namespace smtrain::gpu {

/// Operations are queued in the order of calls on the compute lane; staged rows come on the copy lane, and the compute lane waits
/// for them. Scratch memory belongs to the compute lane, whose order keeps one operation's from the next one's. Host memory
/// is free when stage, write and densify return: it went into one of four pinned buffers, for which they wait when all are under
/// way. Rows staged or loaded with an owner stay on the device while it lives and memory lasts (gpu/staged_cache.h).
///
/// Results are the same bytes from run to run. The nearest centres are those of the CPU's wide kernels, bit for bit; sums are
/// added in another order than there. A row of an operation does not depend on the rows beside it, but for gemm, where it may, in
/// the last bits, since cuBLAS chooses its kernel by the shape. Float32 products are rounded to float32 only, never to TF32.
///
/// Calls exclude each other, so any thread may call. Buffers must not outlive the backend.
class GpuBackend final : public compute::Backend {
 public:
  GpuBackend(const HostServices& services, std::unique_ptr<Device> device, compute::DeviceInfo info);
  ~GpuBackend() override;

  const compute::DeviceInfo& device() const override { return info_; }
  bool supports(compute::Op op, compute::DType type) const override;
  compute::Queue& main_queue() override { return queue_; }
  void wait(compute::Queue& queue) override;

  compute::Mat allocate(std::size_t rows, std::size_t cols, compute::DType type) override;
  compute::Mat stage(compute::Queue& queue, const float* host, std::size_t rows, std::size_t cols, std::size_t ld,
                     std::shared_ptr<const void> owner) override;
  void write(compute::Queue& queue, const compute::Mat& to, const void* from) override;
  void read(compute::Queue& queue, void* to, const compute::Mat& from) override;
  void zero(compute::Queue& queue, const compute::Mat& m) override;
  void densify(compute::Queue& queue, const compute::CsrView& from, const compute::Mat& to) override;

  void gemm(compute::Queue& queue, bool transpose_a, bool transpose_b, double alpha, const compute::Mat& a, const compute::Mat& b,
            double beta, const compute::Mat& c) override;
  std::unique_ptr<Centers> make_centers(std::size_t k, std::size_t d) override;
  void refresh(compute::Queue& queue, Centers& centers, const compute::Mat& c) override;
  void nearest(compute::Queue& queue, const compute::Mat& x, const Centers& centers, const compute::Mat& ids,
               const compute::Mat& distances) override;
  void nearest_sum(compute::Queue& queue, const compute::Mat& x, const compute::Mat& weights, const Centers& centers,
                   const compute::Mat& ids, const compute::Mat& sums, const compute::Mat& counts, const compute::Mat& loss) override;
  void min_distance(compute::Queue& queue, const compute::Mat& x, const compute::Mat& c, const compute::Mat& d2) override;
  void blend_means(compute::Queue& queue, const compute::Mat& sums, const compute::Mat& counts, double decay, const compute::Mat& c,
                   const compute::Mat& n) override;

  // gpu_search.cc
  std::unique_ptr<Points> make_points(compute::Queue& queue, const compute::Mat& rows, compute::Closeness closeness) override;
  void top_nearest(compute::Queue& queue, const compute::Mat& x, const Points& points, const compute::Mat& ids,
                   const compute::Mat& scores) override;

  // gpu_learning.cc: standardize, derive_loss, step; gpu_sparse.cc: the rest
  void standardize(compute::Queue& queue, const compute::Mat& x, const compute::Mat& shift, const compute::Mat& scale,
                   const compute::Mat& y) override;
  std::unique_ptr<SparseRows> make_sparse_rows() override;
  void load(compute::Queue& queue, SparseRows& to, const compute::CsrView& from, const compute::Mat& scale,
            std::shared_ptr<const void> owner) override;
  std::unique_ptr<RowSet> make_row_set(std::size_t rows) override;
  void multiply(compute::Queue& queue, const SparseRows& x, const compute::Mat& w, const compute::Mat& z) override;
  void multiply_transposed(compute::Queue& queue, const SparseRows& x, const compute::Mat& r, const compute::Mat& g,
                           RowSet& touched) override;
  PickedRows pick(compute::Queue& queue, const RowSet& set, const compute::Mat& g) override;
  void put(compute::Queue& queue, const PickedRows& rows, RowSet& set, const compute::Mat& g) override;
  void derive_loss(compute::Queue& queue, const compute::LossRule& rule, const compute::Mat& labels, const compute::Mat& weights,
                   const compute::Mat& positive, const compute::Mat& bias, const compute::Mat& z, const compute::Mat& bias_gradient,
                   const compute::Mat& loss) override;
  void step(compute::Queue& queue, const compute::StepRule& rule, const compute::Mat& columns, const compute::Mat& g,
            const compute::Mat& t, const compute::Mat& m, const compute::Mat& v, RowSet* touched,
            const compute::Mat& trail) override;
  void factor_scores(compute::Queue& queue, const SparseRows& x, const compute::Mat& p, const compute::Mat& s,
                     const compute::Mat& z) override;
  void factor_gradient(compute::Queue& queue, const SparseRows& x, const compute::Mat& p, const compute::Mat& s, const compute::Mat& r,
                       const compute::Mat& g, RowSet& touched) override;

 private:
  class DeviceCenters;
  class DevicePoints;
  class DeviceSparseRows;
  class DeviceRowSet;
  struct Rows;
  struct Sorted {
    const std::int32_t* keys;
    const std::uint32_t* order;
  };

  std::unique_lock<std::mutex> enter();
  [[noreturn]] void fail(Fault fault, const std::string& problem) const;
  void check(const std::string& problem) const;
  const DeviceCenters& prepared(const char* op, const Centers& centers) const;
  char* scratch(std::size_t bytes, const char* what);
  template <class Allocate>
  auto with_room(const Allocate& allocate);
  compute::Mat reserve(std::size_t rows, std::size_t cols, compute::DType type, const char* what);
  std::shared_ptr<StagedBuffer> take_block(std::size_t bytes, const char* what);
  void hand_over(const char* what);
  Sorted sort_by_key(const std::int32_t* keys, std::size_t n, std::size_t most, char* memory, const SortScratch& places,
                     const char* what);
  const DeviceRowSet& checked_set(const char* op, const RowSet& set, const compute::Mat& m) const;
  const DeviceSparseRows& checked_rows(const char* op, const SparseRows& rows) const;
  void check_columns(const compute::CsrView& from) const;
  void bring(DeviceSparseRows& to, const compute::CsrView& from, const std::shared_ptr<const void>& owner);
  void turn_over(DeviceSparseRows& rows);
  template <class Terms>
  void add_columns(const DeviceSparseRows& rows, Terms terms, const compute::Mat& g, const DeviceRowSet& touched, const char* what);
  template <class T>
  void add_tiles(const double* tiles, std::size_t n, std::size_t width, T* to);
  void sum_columns(const float* x, std::size_t n, std::size_t width, std::size_t ld, double* tiles);
  void spell_out(const compute::CsrView& from, const compute::Mat& to);
  void find_nearest(const Rows& rows, const DeviceCenters& centers, char* memory, const Scratch& places, std::int32_t* ids,
                    const char* what);
  void measure(const Rows& rows, const float* c, const std::int32_t* ids, bool lower, float* out, const char* what);
  void measure_squares(const compute::Mat& x, const float* shift, double* squares, const char* what);
  void search_piece(SearchArguments a, const compute::Mat& x);
  void sum(const Rows& rows, const DeviceCenters& centers, char* memory, const Scratch& places, const std::int32_t* ids, double* sums,
           std::size_t ld_sums, double* counts);
  void add_loss(const Rows& rows, const DeviceCenters& centers, char* memory, const Scratch& places, const std::int32_t* ids, double* loss);

  const HostServices services_;
  const std::unique_ptr<Device> device_;
  const compute::DeviceInfo info_;
  compute::Queue queue_;
  std::mutex mutex_;
  PinnedRing ring_;
  StagedBlocks blocks_;
  StagedCache cache_;
  std::unique_ptr<Event> staged_;  // on the copy lane, behind the rows staged last
  void* scratch_ = nullptr;
  std::size_t scratch_bytes_ = 0;
};

}  // namespace smtrain::gpu
