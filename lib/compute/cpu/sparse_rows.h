// Sparse rows and products with them on the CPU.
//
// Costs of a mini-batch with n numbers that are not zero and p columns: each product 2 n p operations; it reads n (8 + 4 p) bytes,
// most of them rows of w or g from cache. Turning the rows over, which factorization machines want, takes two to four passes over
// 12 n bytes.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "compute/backend.h"
#include "compute/cpu/learning_kernels.h"

namespace smtrain::compute {

/// Numbers by column: column number k has entries starts[k] … starts[k + 1] of rows and values, by row.
struct ByColumn {
  std::vector<std::uint32_t> columns;  ///< that occur, ascending
  std::vector<std::uint32_t> starts;
  std::vector<std::uint32_t> rows;
  std::vector<float> values;
};

/// The rows as they came, and when asked for the same numbers by column: a stable sort, the same for any number of threads.
class CpuSparseRows final : public Backend::SparseRows {
 public:
  /// `scale`: one number a column, or null. Throws an internal Error for a column that is not there.
  void load(const CsrView& from, const float* scale, std::shared_ptr<const void> owner, int threads);

  std::size_t rows() const { return view_.rows; }
  std::size_t cols() const { return view_.cols; }
  std::uint64_t nonzeros() const { return view_.rows == 0 ? 0 : view_.indptr[view_.rows] - view_.indptr[0]; }
  /// Row i: indices and values of its numbers.
  struct Row {
    const std::uint32_t* indices;
    const float* values;
    std::size_t count;
  };
  Row row(std::size_t i) const {
    const std::uint64_t base = view_.indptr[0], begin = view_.indptr[i] - base;
    return {view_.indices + begin, view_.values + begin, static_cast<std::size_t>(view_.indptr[i + 1] - base - begin)};
  }
  /// The columns of all rows, one row after the other.
  std::span<const std::uint32_t> indices() const { return {view_.indices, static_cast<std::size_t>(nonzeros())}; }
  /// Sorts at the first call behind load(), on one thread's behalf.
  const ByColumn& by_column(int threads) const;

 private:
  void check_columns() const;
  void scale_values(const float* scale, int threads);
  void sort_entries(int threads) const;
  void gather_columns() const;

  CsrView view_;
  std::shared_ptr<const void> owner_;
  std::vector<float> scaled_;
  // What by_column() makes.
  struct Entry {
    std::uint32_t column, row;
    float value;
  };
  mutable bool turned_ = false;
  mutable std::vector<Entry> entries_, sorted_;
  mutable ByColumn by_column_;
  mutable std::vector<std::uint32_t> counts_;
};

/// Rows that were added to, in no order, and a mark for each row that there is.
class CpuRowSet final : public Backend::RowSet {
 public:
  explicit CpuRowSet(std::size_t rows) : marks_(rows, 0) {}
  std::size_t universe() const { return marks_.size(); }
  void add(std::span<const std::uint32_t> rows);
  void clear();
  /// Marks one byte a row: threads that come across rows of their own mark them, and then one adds what all have found.
  std::uint8_t* marks() { return marks_.data(); }
  void add_marked(std::span<const std::uint32_t> rows) { rows_.insert(rows_.end(), rows.begin(), rows.end()); }
  const std::vector<std::uint32_t>& rows() const { return rows_; }
  bool holds(std::uint32_t row) const { return marks_[row] != 0; }

 private:
  std::vector<std::uint8_t> marks_;
  std::vector<std::uint32_t> rows_;
};

void sparse_multiply(const LearningKernels& kernels, const CpuSparseRows& x, const Mat& w, const Mat& z, int threads);

/// Adds transposed(x) r to g, and the rows of the columns that occur to a set. Each thread takes a band of columns of every row, so
/// that each number of g is added to in the order of the rows, whatever the bands. Keeps its memory from call to call.
class TransposedProduct {
 public:
  TransposedProduct(const LearningKernels& kernels, int threads) : kernels_(kernels), threads_(threads) {}
  void run(const CpuSparseRows& x, const Mat& r, const Mat& g, CpuRowSet& touched);

 private:
  CpuSparseRows::Row part_of(const CpuSparseRows& x, std::size_t i, std::size_t band) const;
  void cut_bands(const CpuSparseRows& x, std::size_t bands);
  void add_band(const CpuSparseRows& x, const Mat& r, const Mat& g, std::size_t band, std::uint8_t* marks);

  const LearningKernels& kernels_;
  const int threads_;
  std::vector<std::uint32_t> sample_, ends_;        // ends_: the column behind each band
  std::vector<std::vector<std::uint32_t>> found_;   // by each band
};

}  // namespace smtrain::compute
