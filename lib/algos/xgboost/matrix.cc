#include "algos/xgboost/matrix.h"

#include <fmt/format.h>

#include <utility>

namespace smtrain::xgboost {

DMatrix::DMatrix(DMatrix&& other) noexcept : library_(other.library_), handle_(std::exchange(other.handle_, nullptr)) {}

DMatrix& DMatrix::operator=(DMatrix&& other) noexcept {
  std::swap(library_, other.library_);
  std::swap(handle_, other.handle_);
  return *this;
}

DMatrix::~DMatrix() {
  if (handle_ != nullptr) library_->calls().matrix_free(handle_);
}

DMatrix DMatrix::dense(const Library& library, std::span<const float> values, std::size_t columns, int threads) {
  Handle handle = nullptr;
  const std::string array = array_interface(values.data(), {columns == 0 ? 0 : values.size() / columns, columns}, "<f4");
  library.check(library.calls().matrix_from_dense(array.c_str(), fmt::format(R"({{"missing":NaN,"nthread":{}}})", threads).c_str(), &handle));
  return DMatrix(library, handle);
}

std::uint64_t DMatrix::rows() const {
  Length n = 0;
  library_->check(library_->calls().matrix_rows(handle_, &n));
  return n;
}

std::uint64_t DMatrix::columns() const {
  Length n = 0;
  library_->check(library_->calls().matrix_columns(handle_, &n));
  return n;
}

std::span<const float> DMatrix::floats(const char* field) const {
  Length n = 0;
  const float* values = nullptr;
  library_->check(library_->calls().matrix_get_floats(handle_, field, &n, &values));
  return {values, n};
}

void DMatrix::set_floats(const char* field, std::span<const float> values) {
  library_->check(library_->calls().matrix_set_info(handle_, field, array_interface(values.data(), {values.size()}, "<f4").c_str()));
}

void DMatrix::set_uints(const char* field, std::span<const std::uint32_t> values) {
  library_->check(library_->calls().matrix_set_info(handle_, field, array_interface(values.data(), {values.size()}, "<u4").c_str()));
}

DMatrix DMatrix::slice(std::span<const int> rows) const {
  Handle handle = nullptr;
  library_->check(library_->calls().matrix_slice(handle_, rows.data(), rows.size(), &handle, 1));
  return DMatrix(*library_, handle);
}

}  // namespace smtrain::xgboost
