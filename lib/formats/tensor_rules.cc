#include "formats/tensor_rules.h"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "base/error.h"

namespace smtrain::formats {
namespace {

std::optional<std::uint64_t> product_of(std::span<const std::uint64_t> shape) {
  // A zero anywhere makes the product zero, even beside factors that overflow.
  if (std::find(shape.begin(), shape.end(), std::uint64_t{0}) != shape.end()) return 0;
  std::uint64_t product = 1;
  for (const std::uint64_t dim : shape) {
    if (__builtin_mul_overflow(product, dim, &product)) return std::nullopt;
  }
  return product;
}

RowShape shape_without_keys(const TensorParts& t, const TensorPath& path) {
  if (t.shape.empty()) {
    if (t.values == 0) throw user_error("{}: no values, expected one per feature", path.field("values"));
    return {false, t.values};
  }
  const std::uint64_t size = shape_size(t, path);
  if (t.values == 0 && size > 0) return {true, size};
  if (size != t.values || size == 0) {
    throw user_error("{}: {} values in a shape of {}, expected as many values as the shape says, at least 1",
                     path.field("values"), t.values, size);
  }
  return {false, size};
}

}  // namespace

std::string TensorPath::field(std::string_view name) const {
  return kind.empty() ? fmt::format("{}.{}", map, name) : fmt::format("{}.{}.{}", map, kind, name);
}

std::uint64_t shape_size(const TensorParts& tensor, const TensorPath& path) {
  const std::optional<std::uint64_t> product = product_of(tensor.shape);
  if (!product) {
    throw user_error("{}: the product of its {} dimensions is beyond 64 bits, expected the number of features",
                     path.field("shape"), tensor.shape.size());
  }
  return *product;
}

RowShape row_shape(const TensorParts& t, const TensorPath& path, std::uint64_t known_dim) {
  if (t.keys.empty()) return shape_without_keys(t, path);
  if (t.keys.size() != t.values) {
    throw user_error("{}: {} keys for {} values, expected as many keys as values", path.field("keys"), t.keys.size(), t.values);
  }
  if (t.shape.empty() && known_dim == 0) {
    throw user_error("{}: missing in a sparse record, expected the number of features; or set feature_dim", path.field("shape"));
  }
  const std::uint64_t dim = t.shape.empty() ? known_dim : shape_size(t, path);
  const auto largest = std::max_element(t.keys.begin(), t.keys.end());
  if (*largest >= dim) {
    throw user_error("{}[{}] is {}, expected a key below {}", path.field("keys"), largest - t.keys.begin(), *largest, dim);
  }
  return {true, dim};
}

void check_row_width(const RowShape& row, std::string_view map, std::uint64_t expected, bool by_user) {
  if (row.dim == expected) return;
  throw user_error("{}: a {} row of {} columns, expected {} {}", map, row.sparse ? "sparse" : "dense", row.dim, expected,
                   by_user ? "as feature_dim says" : "as in the first record");
}

std::size_t checked_feature_dim(const RowShape& first, std::string_view map) {
  if (first.dim > kMaxFeatureDim) throw user_error("{}: {} columns, expected at most {}", map, first.dim, kMaxFeatureDim);
  return static_cast<std::size_t>(first.dim);
}

void sort_sparse_row(std::span<std::uint32_t> keys, std::span<float> values, const TensorPath& path) {
  // Strictly ascending rows, the usual case, need nothing.
  if (std::adjacent_find(keys.begin(), keys.end(), std::greater_equal<>()) == keys.end()) return;
  std::vector<std::pair<std::uint32_t, float>> row(keys.size());
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = {keys[i], values[i]};
  std::sort(row.begin(), row.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (i > 0 && row[i].first == row[i - 1].first) {
      throw user_error("{}: {} stands there twice, expected each key once", path.field("keys"), row[i].first);
    }
    keys[i] = row[i].first;
    values[i] = row[i].second;
  }
}

}  // namespace smtrain::formats
