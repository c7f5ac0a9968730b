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
#include <vector>

#include "compute/rules.h"

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

enum class Op { gemm, nearest, nearest_sum, min_distance, blend_means, standardize, sparse_product, derive_loss, step, factors, top_nearest };

/// How near two rows are: by squared Euclidean distance, the least first; or by inner product, the greatest first.
enum class Closeness : std::uint8_t { distance, product };

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

  /// g (d, d) f64 += transposed(y) y for y (n, d) f64, in the upper triangle; what lies below the diagonal is nobody's to read.
  virtual void add_gram(Queue& queue, const Mat& y, const Mat& g) {
    constexpr std::size_t panel = 512;
    const auto columns = [](Mat m, std::size_t first, std::size_t count) {
      m.offset += first;
      m.cols = count;
      return m;
    };
    for (std::size_t first = 0; first < y.cols; first += panel) {
      const std::size_t count = y.cols - first < panel ? y.cols - first : panel;
      Mat to = columns(g, first, y.cols - first);
      to.offset += first * g.ld;
      to.rows = count;
      gemm(queue, true, false, 1, columns(y, first, count), columns(y, first, y.cols - first), 1, to);
    }
  }

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

  /// Rows (n, d) f32 made ready to be searched again and again. `rows` is held, and must stay as it is as long as they are.
  class Points {
   public:
    virtual ~Points() = default;
  };
  virtual std::unique_ptr<Points> make_points(Queue& queue, const Mat& rows, Closeness closeness) = 0;

  /// The k rows of `points` that are nearest to each row of x (m, d) f32, nearest first, ties to the lowest number; k <= n. They are
  /// those that float64 finds, however the search is done: every row whose float32 score might be among the best is compared directly,
  /// as sum (x - p)^2 or sum x p in float64. ids (m, k) i32; scores (m, k) f32: squared distances ascending, or products descending.
  virtual void top_nearest(Queue& queue, const Mat& x, const Points& points, const Mat& ids, const Mat& scores) = 0;

  // ---- models of weights -----------------------------------------------------------------------------------------------

  /// y (n, d) = (x - shift) * scale by columns, of x (n, d) f32. y is f32 or f64; shift and scale are (1, d) of its type, or empty.
  virtual void standardize(Queue& queue, const Mat& x, const Mat& shift, const Mat& scale, const Mat& y) = 0;

  /// Sparse rows made ready for products from both sides: by row, and by the columns that occur. Loaded again and again, it
  /// reuses its memory.
  class SparseRows {
   public:
    virtual ~SparseRows() = default;
  };
  virtual std::unique_ptr<SparseRows> make_sparse_rows() = 0;
  /// `scale`: empty, or (1, cols) f32 that the values of each column are multiplied by. `owner` as in stage().
  virtual void load(Queue& queue, SparseRows& to, const CsrView& from, const Mat& scale, std::shared_ptr<const void> owner) = 0;

  /// Rows of a matrix that have been added to since they were stepped last.
  class RowSet {
   public:
    virtual ~RowSet() = default;
  };
  virtual std::unique_ptr<RowSet> make_row_set(std::size_t rows) = 0;

  /// z (n, p) f32 = x w of w (d, p) f32.
  virtual void multiply(Queue& queue, const SparseRows& x, const Mat& w, const Mat& z) = 0;
  /// g (d, p) f32 += transposed(x) r of r (n, p) f32, in the rows of the columns that occur in x; these join `touched`.
  virtual void multiply_transposed(Queue& queue, const SparseRows& x, const Mat& r, const Mat& g, RowSet& touched) = 0;

  /// The rows of a set and what g holds there, to be summed with those of other processes. Blocks.
  struct PickedRows {
    std::vector<std::uint32_t> ids;  ///< ascending
    std::vector<float> values;       ///< (ids, p)
  };
  virtual PickedRows pick(Queue& queue, const RowSet& set, const Mat& g) = 0;
  /// Makes these the rows of the set, and overwrites g there; every row of the set before must be among them.
  virtual void put(Queue& queue, const PickedRows& rows, RowSet& set, const Mat& g) = 0;

  /// What scores cost and their derivatives, for M models at once. z (n, classes * M) f32 holds scores without bias, of class c and
  /// model m in column c * M + m; bias (1, classes * M) f32 is added, and z then holds the derivatives of the loss of each row,
  /// weighted and not divided by n. bias_gradient (1, classes * M) f32 += their sums by column; loss (1, M) f64 += the losses.
  /// labels (n, 1) f32. weights: empty or (n, 1) f32. positive: empty or (1, M) f32, the p of logistic and hinge.
  virtual void derive_loss(Queue& queue, const LossRule& rule, const Mat& labels, const Mat& weights, const Mat& positive,
                           const Mat& bias, const Mat& z, const Mat& bias_gradient, const Mat& loss) = 0;

  /// One step of parameters t (d, p) f32 by their gradient g (d, p) f32, which is left zero; m and v (d, p) f32 are the moments, of
  /// which a rule takes what it names (the other may be empty). columns (3, p) or (3, 1) f32: rate, decay and l1 of each column, or
  /// of all. touched: null, or the rows of t that are stepped, which leave the set (elsewhere g is zero, and moments rest).
  /// trail: empty, or (d, p) f32.
  virtual void step(Queue& queue, const StepRule& rule, const Mat& columns, const Mat& g, const Mat& t, const Mat& m, const Mat& v,
                    RowSet* touched, const Mat& trail = {}) = 0;

  /// Factorization machines (Rendle 2010) of k factors: row j of p (d, k + 1) f32 holds the factors v_j and the linear term w_j of
  /// feature j. Of each row x of d features s (n, k) f32 = sum_j x_j v_j, and the score without bias
  ///   z (n, 1) f32 = sum_j w_j x_j + 1/2 sum_f (s_f^2 - sum_j v_jf^2 x_j^2).
  virtual void factor_scores(Queue& queue, const SparseRows& x, const Mat& p, const Mat& s, const Mat& z) = 0;
  /// Their gradient, of the derivatives r (n, 1) f32 of a loss by z: g (d, k + 1) f32 += in the rows j of the features that occur,
  ///   sum_i r_i x_ij s_i - v_j sum_i r_i x_ij^2  and  sum_i r_i x_ij;  these join `touched`. s as factor_scores left it.
  virtual void factor_gradient(Queue& queue, const SparseRows& x, const Mat& p, const Mat& s, const Mat& r, const Mat& g,
                               RowSet& touched) = 0;
};

/// The CPU backend on `threads` threads, with the kernels of kernel_level() (base/machine.h).
std::unique_ptr<Backend> make_cpu_backend(int threads);

}  // namespace smtrain::compute
