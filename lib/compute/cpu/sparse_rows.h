// Sparse rows and products with them on the CPU.
//
// Costs of a mini-batch with n numbers that are not zero and p columns: each product 2 n p operations; it reads n (8 + 4 p) bytes,
// most of them rows of w or r from cache. Turning the rows over takes two to four passes over 8 n bytes.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "compute/backend.h"
#include "compute/cpu/learning_kernels.h"

namespace smtrain::compute {

/// The rows as they came, and the same numbers by column: a stable sort, the same for any number of threads.
class CpuSparseRows final : public Backend::SparseRows {
 public:
  /// `scale`: one number a column, or null. Throws an internal Error for a column that is not there.
  void load(const CsrView& from, const float* scale, std::shared_ptr<const void> owner, int threads);

  std::size_t rows() const { return view_.rows; }
  std::size_t cols() const { return view_.cols; }
  std::uint64_t nonzeros() const { return view_.indptr[view_.rows] - view_.indptr[0]; }
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
  /// Columns that occur, ascending; column number k holds entries starts()[k] … starts()[k + 1] of row_of and value_of, by row.
  std::span<const std::uint32_t> columns() const { return columns_; }
  std::span<const std::uint32_t> starts() const { return starts_; }
  const std::uint32_t* row_of() const { return row_of_.data(); }
  const float* value_of() const { return value_of_.data(); }

 private:
  void scale_values(const float* scale, int threads);
  void sort_entries(int threads);
  void gather_columns();

  CsrView view_;
  std::shared_ptr<const void> owner_;
  std::vector<float> scaled_;
  struct Entry {
    std::uint32_t column, row;
    float value;
  };
  std::vector<Entry> entries_, sorted_;
  std::vector<std::uint32_t> columns_, starts_, row_of_;
  std::vector<float> value_of_;
  std::vector<std::uint32_t> counts_;
};

/// Rows that were added to, in no order, and a mark for each row that there is.
class CpuRowSet final : public Backend::RowSet {
 public:
  explicit CpuRowSet(std::size_t rows) : marks_(rows, 0) {}
  std::size_t universe() const { return marks_.size(); }
  void add(std::span<const std::uint32_t> rows);
  void clear();
  const std::vector<std::uint32_t>& rows() const { return rows_; }
  bool holds(std::uint32_t row) const { return marks_[row] != 0; }

 private:
  std::vector<std::uint8_t> marks_;
  std::vector<std::uint32_t> rows_;
};

void sparse_multiply(const LearningKernels& kernels, const CpuSparseRows& x, const Mat& w, const Mat& z, int threads);
void sparse_multiply_transposed(const LearningKernels& kernels, const CpuSparseRows& x, const Mat& r, const Mat& g, int threads);

}  // namespace smtrain::compute
