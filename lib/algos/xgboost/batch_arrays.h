// Rows of a batch as arrays that the engine reads where they lie.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "algos/xgboost/library.h"
#include "formats/batch.h"

namespace smtrain::xgboost {

/// Rows (n, columns), each `ld` numbers behind the one before. The memory must outlive the call that the array is handed to.
std::string dense_array(const float* values, std::size_t rows, std::size_t columns, std::size_t ld);

/// Sparse rows as the engine's three arrays; memory as above.
struct CsrArrays {
  /// Row i holds indptr[i] - indptr[0] … of indices and values; indptr has one number more than there are rows.
  CsrArrays(std::span<const std::uint64_t> indptr, const std::uint32_t* indices, const float* values);
  explicit CsrArrays(const formats::Batch& batch) : CsrArrays({batch.indptr, batch.rows + 1}, batch.indices, batch.values) {}
  std::string indptr, indices, values;
};

}  // namespace smtrain::xgboost
