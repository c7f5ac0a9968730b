#include "algos/xgboost/batch_arrays.h"

#include <fmt/format.h>

namespace smtrain::xgboost {
namespace {

// The engine refuses null, even for nothing.
constexpr std::uint64_t kNothing = 0;

// Where a number would lie that stands `before` the first one: the engine counts from there and never looks at it.
template <class T>
const void* moved_back(const T* values, std::uint64_t before) {
  if (values == nullptr) return &kNothing;
  return reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(values) - before * sizeof(T));
}

}  // namespace

std::string dense_array(const float* values, std::size_t rows, std::size_t columns, std::size_t ld) {
  const void* const data = values == nullptr ? static_cast<const void*>(&kNothing) : values;
  return fmt::format(R"({{"data":[{},true],"shape":[{},{}],"strides":[{},{}],"typestr":"<f4","version":3}})",
                     reinterpret_cast<std::uintptr_t>(data), rows, columns, ld * sizeof(float), sizeof(float));
}

CsrArrays::CsrArrays(std::span<const std::uint64_t> starts, const std::uint32_t* index, const float* value)
    : indptr(array_interface(starts.data(), {starts.size()}, "<u8")),
      indices(array_interface(moved_back(index, starts.front()), {static_cast<std::size_t>(starts.back())}, "<u4")),
      values(array_interface(moved_back(value, starts.front()), {static_cast<std::size_t>(starts.back())}, "<f4")) {}

}  // namespace smtrain::xgboost
