#include "formats/tensor_rules.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/error.h"

namespace smtrain::formats {

std::optional<std::uint64_t> shape_product(std::span<const std::uint64_t> shape) {
  // A zero anywhere makes the product zero, even beside factors that overflow.
  if (std::find(shape.begin(), shape.end(), std::uint64_t{0}) != shape.end()) return 0;
  std::uint64_t product = 1;
  for (const std::uint64_t dim : shape) {
    if (__builtin_mul_overflow(product, dim, &product)) return std::nullopt;
  }
  return product;
}

void sort_sparse_row(std::span<std::uint32_t> positions, std::span<float> values, std::string_view path) {
  // adjacent_find with >=: strictly ascending rows, the usual case, need nothing.
  if (std::adjacent_find(positions.begin(), positions.end(), std::greater_equal<>()) == positions.end()) return;
  std::vector<std::pair<std::uint32_t, float>> row(positions.size());
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = {positions[i], values[i]};
  std::sort(row.begin(), row.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (i > 0 && row[i].first == row[i - 1].first) {
      throw user_error("{}: key {} stands there twice, expected each key once", path, row[i].first);
    }
    positions[i] = row[i].first;
    values[i] = row[i].second;
  }
}

}  // namespace smtrain::formats
