// The search for nearest centres on the CPU: layout of the centres, and the passes over rows that call the kernels.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "base/machine.h"
#include "compute/backend.h"
#include "compute/cpu/nearest_kernels.h"
#include "compute/cpu/ordered_ring.h"

namespace smtrain::compute {

/// The kernels of a level that the CPU has.
const NearestKernels& nearest_kernels(KernelLevel level);

/// Centres packed for one kernel table. Not thread-safe while refresh runs; any number of readers otherwise.
class PackedCenters final : public Backend::Centers {
 public:
  PackedCenters(const NearestKernels& kernels, std::size_t k, std::size_t d);

  /// Copies c (k, d) with `ld` numbers between rows, on up to `threads` threads. Allocates nothing.
  void refresh(const float* c, std::size_t ld, int threads);
  const CentersView& view() const { return view_; }
  const NearestKernels& kernels() const { return kernels_; }
  bool ready() const { return ready_; }

 private:
  void plan_panels();
  void copy_rows(const float* c, std::size_t ld, std::size_t panel);
  void pack_wide(std::size_t panel);
  void pack_narrow(std::size_t panel);

  const NearestKernels& kernels_;
  CentersView view_;
  std::vector<std::uint8_t> panels_;
  std::vector<std::size_t> firsts_;  // first centre of each panel, and k at the end
  std::shared_ptr<float> packed_, bias_, rows_;
  bool ready_ = false;
};

/// n rows of d numbers, with weights or null.
struct Rows {
  const float* x = nullptr;
  std::size_t n = 0, d = 0, ld = 0;
  const float* weights = nullptr;
};

/// What nearest_sum adds to. ids and loss may be null.
struct Totals {
  std::int32_t* ids = nullptr;
  double* sums = nullptr;  ///< (k, ld)
  std::size_t ld = 0;
  double* counts = nullptr;
  double* loss = nullptr;
};

/// ids, and squared distances unless null. Thread-safe.
void find_nearest(const PackedCenters& centers, const Rows& rows, std::int32_t* ids, float* distances, int threads);

/// d2 = min(d2, |x - c|^2). Thread-safe.
void lower_distances(const NearestKernels& kernels, const Rows& rows, const float* c, float* d2, int threads);

/// The one-pass step of k-means. Rows go in chunks whose size depends on (k, d) alone; each chunk has float64 sums of the
/// centres it touched, and these are added to the totals in the order of chunks, so that the bytes are the same on any
/// number of threads. The memory of the chunks is kept from call to call and grows only with larger (k, d); calls exclude
/// each other.
class NearestSum {
 public:
  explicit NearestSum(int threads);

  /// Sets aside what calls with centres of this shape need.
  void reserve(const PackedCenters& centers);
  void run(const PackedCenters& centers, const Rows& rows, const Totals& totals);

 private:
  /// Sums of one chunk: a row per centre it touched, in order of first touch.
  struct Chunk {
    std::vector<std::uint32_t> centers;
    std::vector<double> counts;
    std::shared_ptr<double> sums;
    std::size_t touched = 0;
    double loss = 0;
  };
  /// Where a thread finds the row of a centre in its chunk.
  struct Worker {
    std::vector<std::uint32_t> slot_of;
  };
  struct Piece;

  static std::size_t stride(std::size_t d) { return (d + 7) / 8 * 8; }
  void grow(const PackedCenters& centers);
  void fill(const Piece& piece, Worker& worker, Chunk& chunk) const;
  static void fill_block(const Piece& piece, std::size_t first, std::size_t count, Worker& worker, Chunk& chunk);
  static void merge(const PackedCenters& centers, const Chunk& chunk, const Totals& totals);

  int threads_;
  std::mutex mutex_;
  std::size_t sums_room_ = 0, touched_room_ = 0, centers_room_ = 0;
  OrderedRing ring_;
  std::vector<Chunk> chunks_;    // one per slot of the ring
  std::vector<Worker> workers_;  // one per thread
};

}  // namespace smtrain::compute
