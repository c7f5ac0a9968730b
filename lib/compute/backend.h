// Backend: the device. One abstract class of coarse operations; the CPU form is the reference, CUDA is a module.
//
// Conventions for every operation
//  - Matrices are row-major; x (n, d) reads "n rows of d"; `ld` counts elements between rows, ld >= cols.
//  - Operations are asynchronous on their Queue, in order; they allocate nothing beyond what make_* set aside and
//    synchronise nothing. Only read() and wait() block. The CPU runs each to its end before it returns.
//  - Results have the same bytes for any number of threads: work is split by shapes alone and sums are combined in a fixed
//    order. The result of one row never depends on the rows beside it.
//  - A row whose numbers are not finite is the caller's fault: readers refuse it before it comes here.
//  - Wrong shapes or types are internal errors that name the operation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace smtrain::compute {

enum class DType : std::uint8_t { f32, f64, bf16, i32, u8 };

/// Bytes of one element. Inline, since modules know this header alone.
constexpr std::size_t size_of(DType type) {
  switch (type) {
    case DType::f32: return 4;
    case DType::f64: return 8;
    case DType::bf16: return 2;
    case DType::i32: return 4;
    case DType::u8: return 1;
  }
  return 0;
}

constexpr const char* name_of(DType type) {
  switch (type) {
    case DType::f32: return "f32";
    case DType::f64: return "f64";
    case DType::bf16: return "bf16";
    case DType::i32: return "i32";
    case DType::u8: return "u8";
  }
  return "unknown";
}

/// Device memory. Owned by the shared_ptrs in Mats; freed by the backend it came from, which must outlive it.
class Buffer {
 public:
  virtual ~Buffer() = default;
  /// Address on the device; on the CPU an ordinary pointer.
  virtual void* data() const = 0;
  virtual std::size_t bytes() const = 0;
};

/// A matrix in device memory, or a view of a part of one. Cheap to copy; shares its buffer.
struct Mat {
  std::shared_ptr<Buffer> buffer;
  std::size_t offset = 0;  ///< elements from the start of the buffer
  std::size_t rows = 0, cols = 0, ld = 0;
  DType dtype = DType::f32;

  bool empty() const { return rows == 0 || cols == 0; }
  /// Rows first … first + count - 1.
  Mat row_range(std::size_t first, std::size_t count) const;
  /// The address of element (row, 0); for backends and for host code on the CPU backend's own buffers.
  template <class T>
  T* at(std::size_t row = 0) const {
    return static_cast<T*>(buffer->data()) + offset + row * ld;
  }
};

/// Compressed sparse rows on the host: row i holds indices[indptr[i] - indptr[0]] …; ascending column indices.
struct CsrView {
  const std::uint64_t* indptr = nullptr;  ///< rows + 1 entries; may start above 0
  const std::uint32_t* indices = nullptr;
  const float* values = nullptr;
  std::size_t rows = 0, cols = 0;
};

/// A stream of operations; the backend's own type. The CPU has one.
class Queue {
 public:
  virtual ~Queue() = default;
};

struct DeviceInfo {
  std::string kind;          ///< "cpu", "cuda"
  std::string name;          ///< "AMD EPYC ...", "NVIDIA H200"
  std::string kernels;       ///< "baseline", "avx2", "avx512", "sm_90": goes into the manifest
  std::uint64_t memory = 0;  ///< bytes
  int threads = 1;           ///< CPU threads used
};

enum class Op { gemm, nearest, nearest_sum, min_distance, blend_means };

class Backend {
 public:
  virtual ~Backend() = default;

  virtual const DeviceInfo& device() const = 0;
  /// Whether `op` can run in this type; asked before anything runs.
  virtual bool supports(Op op, DType type) const = 0;

  virtual Queue& main_queue() = 0;
  virtual void wait(Queue& queue) = 0;

  /// Uninitialised memory, ld = cols, 64-byte aligned. Throws a machine Error that states the size.
  virtual Mat allocate(std::size_t rows, std::size_t cols, DType type) = 0;
  /// Host rows as a device matrix, which is only read. The CPU wraps them without a copy; CUDA copies through pinned memory on
  /// the queue. `owner` keeps the host memory alive as long as the device may read it, and promises that these rows stay as they
  /// are until it is gone: a backend may then keep its copy and hand it out again for the same rows of the same owner, as later
  /// epochs ask for them. Batches promise it (formats/batch.h). Memory that is written to again while its owner lives is staged
  /// without one (null): the caller then keeps it as it is until the matrix is gone, and nothing of it is kept longer.
  virtual Mat stage(Queue& queue, const float* host, std::size_t rows, std::size_t cols, std::size_t ld,
                    std::shared_ptr<const void> owner) = 0;
  virtual void write(Queue& queue, const Mat& to, const void* from) = 0;  ///< rows * cols elements, packed
  virtual void read(Queue& queue, void* to, const Mat& from) = 0;         ///< blocks; rows * cols elements, packed
  virtual void zero(Queue& queue, const Mat& m) = 0;
  /// Sparse host rows spelled out: to (rows, cols) f32.
  virtual void densify(Queue& queue, const CsrView& from, const Mat& to) = 0;

  /// c = alpha * op(a) op(b) + beta * c; f32 or f64, all of one type.
  virtual void gemm(Queue& queue, bool transpose_a, bool transpose_b, double alpha, const Mat& a, const Mat& b, double beta,
                    const Mat& c) = 0;

  /// Centres c (K, d) f32 prepared for nearest and nearest_sum: packed panels and half squared norms. One object serves
  /// every call until the centres change; refresh reuses its memory.
  class Centers {
   public:
    virtual ~Centers() = default;
  };
  virtual std::unique_ptr<Centers> make_centers(std::size_t k, std::size_t d) = 0;
  virtual void refresh(Queue& queue, Centers& centers, const Mat& c) = 0;

  /// The nearest centre of each row of x (n, d) f32 by squared Euclidean distance, ties to the lowest index.
  /// ids (n, 1) i32. distances: empty, or (n, 1) f32, the squared distance to the winner computed directly as
  /// sum (x - c)^2, never negative and free of the cancellation of |x|^2 - 2xc + |c|^2.
  virtual void nearest(Queue& queue, const Mat& x, const Centers& centers, const Mat& ids, const Mat& distances) = 0;

  /// The step of k-means in one pass while a block of rows is in cache: nearest, then
  ///   sums (K, d) f64 += w_i x_i,  counts (K, 1) f64 += w_i,  loss (1, 1) f64 += w_i |x_i - c|^2  over the rows of each centre.
  /// weights: empty (all one) or (n, 1) f32. ids and loss may be empty when not wanted (loss costs a second look at the
  /// winner). The accumulators are added to, so that a mini-batch may come in several pieces.
  virtual void nearest_sum(Queue& queue, const Mat& x, const Mat& weights, const Centers& centers, const Mat& ids,
                           const Mat& sums, const Mat& counts, const Mat& loss) = 0;

  /// d2 (n, 1) f32 = min(d2, |x_i - c|^2) for one centre c (1, d): the update of k-means++ seeding.
  virtual void min_distance(Queue& queue, const Mat& x, const Mat& c, const Mat& d2) = 0;

  /// Mini-batch update of centres (Sculley 2010, with decay). For every centre n_j <- n_j * decay; then where m_j = counts_j > 0
  ///   p = m_j / (n_j + m_j);  c_j <- (1 - p) c_j + p sums_j / m_j;  n_j <- n_j + m_j.
  /// c (K, d) f32; n (K, 1) f64; computed in f64.
  virtual void blend_means(Queue& queue, const Mat& sums, const Mat& counts, double decay, const Mat& c, const Mat& n) = 0;
};

/// The CPU backend on `threads` threads, with the kernels of kernel_level() (base/machine.h).
std::unique_ptr<Backend> make_cpu_backend(int threads);

}  // namespace smtrain::compute
