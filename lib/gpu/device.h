// Device: what the backend needs of a GPU, and nothing else. CudaDevice is the CUDA runtime; tests put one on the CPU in its
// place that runs the same kernels and delays what streams leave open.
//
// Every call may fail; it then throws through HostServices with `what`, the operation it is part of, and CUDA's own words.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/module.h"
#include "gpu/kernels/derive_loss.h"
#include "gpu/kernels/distance.h"
#include "gpu/kernels/factors.h"
#include "gpu/kernels/nearest_tile.h"
#include "gpu/kernels/search.h"
#include "gpu/kernels/segment_sum.h"
#include "gpu/kernels/small_kernels.h"
#include "gpu/kernels/sort_rows.h"
#include "gpu/kernels/sparse_product.h"
#include "gpu/kernels/standardize.h"
#include "gpu/kernels/step.h"

namespace smtrain::gpu {

/// A queue of work in order; two queues run beside each other.
enum class Lane { compute, copy };

/// A mark on a lane. Waiting means waiting for what stood before the mark when it was last recorded.
class Event {
 public:
  virtual ~Event() = default;
};

struct Product {
  bool transpose_a = false, transpose_b = false;
  std::size_t m = 0, n = 0, k = 0;  ///< c (m, n) row-major, inner dimension k
  double alpha = 1, beta = 0;
  const void* a = nullptr;
  const void* b = nullptr;
  void* c = nullptr;
  std::size_t lda = 0, ldb = 0, ldc = 0;
  bool in_float64 = false;
};

/// Rows of bytes at some distance from each other.
struct Block2d {
  std::size_t pitch = 0, row_bytes = 0, rows = 0;
};

class Device {
 public:
  virtual ~Device() = default;

  /// Makes this device the calling thread's; to be called before anything else on a thread.
  virtual void make_current() = 0;

  virtual void* allocate(std::size_t bytes, const char* what) = 0;
  virtual void free(void* memory) noexcept = 0;  ///< waits for the work that uses it
  virtual void* allocate_pinned(std::size_t bytes, const char* what) = 0;
  virtual void free_pinned(void* memory) noexcept = 0;
  virtual std::size_t free_bytes() = 0;

  virtual std::unique_ptr<Event> make_event(const char* what) = 0;
  virtual void record(Event& event, Lane lane, const char* what) = 0;
  virtual void make_wait(Lane lane, Event& event, const char* what) = 0;
  virtual void wait(Event& event, const char* what) = 0;  ///< blocks
  virtual void wait(Lane lane, const char* what) = 0;     ///< blocks

  /// `from` is pinned and stays as it is until the copy is done.
  virtual void upload(Lane lane, void* to, const Block2d& block, const void* packed_from, const char* what) = 0;
  virtual void download(Lane lane, void* packed_to, const void* from, const Block2d& block, const char* what) = 0;  ///< blocks
  virtual void copy(Lane lane, void* to, const Block2d& block, const void* from, std::size_t from_pitch, const char* what) = 0;
  virtual void zero(Lane lane, void* to, const Block2d& block, const char* what) = 0;

  /// On the compute lane.
  virtual void multiply(const Product& product, const char* what) = 0;
  virtual void run(const NearestNarrow& kernel, const char* what) = 0;
  virtual void run(const NearestMiddle& kernel, const char* what) = 0;
  virtual void run(const NearestWide& kernel, const char* what) = 0;
  virtual void run(const MergeParts& kernel, const char* what) = 0;
  virtual void run(const RowDistance& kernel, const char* what) = 0;
  virtual void run(const HalfNorm& kernel, const char* what) = 0;
  virtual void run(const CountDigits& kernel, const char* what) = 0;
  virtual void run(const ScanCounts& kernel, const char* what) = 0;
  virtual void run(const PlaceRows& kernel, const char* what) = 0;
  virtual void run(const SumSegments& kernel, const char* what) = 0;
  virtual void run(const JoinSegments& kernel, const char* what) = 0;
  virtual void run(const LossTiles& kernel, const char* what) = 0;
  virtual void run(const LossTotal& kernel, const char* what) = 0;
  virtual void run(const BlendMeans& kernel, const char* what) = 0;
  virtual void run(const SpellOut& kernel, const char* what) = 0;
  virtual void run(const Standardize<float>& kernel, const char* what) = 0;
  virtual void run(const Standardize<double>& kernel, const char* what) = 0;
  virtual void run(const ScaleValues& kernel, const char* what) = 0;
  virtual void run(const TurnOver& kernel, const char* what) = 0;
  virtual void run(const SparseProduct& kernel, const char* what) = 0;
  virtual void run(const SumColumns<ProductColumns>& kernel, const char* what) = 0;
  virtual void run(const JoinColumns& kernel, const char* what) = 0;
  virtual void run(const FactorScores& kernel, const char* what) = 0;
  virtual void run(const SumColumns<FactorColumns>& kernel, const char* what) = 0;
  virtual void run(const PickRows& kernel, const char* what) = 0;
  virtual void run(const PutRows& kernel, const char* what) = 0;
  virtual void run(const JudgeTiles& kernel, const char* what) = 0;
  virtual void run(const Soften& kernel, const char* what) = 0;
  virtual void run(const SumTiles& kernel, const char* what) = 0;
  virtual void run(const AddTiles<float>& kernel, const char* what) = 0;
  virtual void run(const AddTiles<double>& kernel, const char* what) = 0;
  virtual void run(const StepAll& kernel, const char* what) = 0;
  virtual void run(const StepMarked& kernel, const char* what) = 0;
  virtual void run(const ShiftedSquares& kernel, const char* what) = 0;
  virtual void run(const SearchTile& kernel, const char* what) = 0;
  virtual void run(const SearchFinish& kernel, const char* what) = 0;
  virtual void run(const SearchAll& kernel, const char* what) = 0;
};

}  // namespace smtrain::gpu
