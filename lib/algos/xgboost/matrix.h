// DMatrix: the engine's own copy of rows, with labels, weights and groups.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "algos/xgboost/library.h"

namespace smtrain::xgboost {

/// Owns an engine's matrix; moves, never copies. What the spans of its getters point to is the engine's, valid until the next call.
class DMatrix {
 public:
  DMatrix() = default;
  /// Takes a handle over.
  DMatrix(const Library& library, Handle handle) : library_(&library), handle_(handle) {}
  DMatrix(DMatrix&& other) noexcept;
  DMatrix& operator=(DMatrix&& other) noexcept;
  ~DMatrix();

  /// Of rows (n, d) that lie one after another, row-major; NaN is missing. The engine copies what it needs.
  static DMatrix dense(const Library& library, std::span<const float> values, std::size_t columns, int threads);

  Handle handle() const { return handle_; }
  std::uint64_t rows() const;
  std::uint64_t columns() const;
  /// "label", "weight", "base_margin", "label_lower_bound", "label_upper_bound".
  std::span<const float> floats(const char* field) const;
  void set_floats(const char* field, std::span<const float> values);
  /// "group": rows per group, in order. "qid": one id per row, ascending.
  void set_uints(const char* field, std::span<const std::uint32_t> values);
  /// These rows, in this order, with what belongs to them; groups are lost.
  DMatrix slice(std::span<const int> rows) const;

 private:
  const Library* library_ = nullptr;
  Handle handle_ = nullptr;
};

}  // namespace smtrain::xgboost
