// Rules that recordIO and JSON tensors share: when a row is dense or sparse, how wide it is, and the order of its keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace smtrain::formats {

/// The largest feature_dim: positions of sparse rows are 32 bits wide.
inline constexpr std::uint64_t kMaxFeatureDim = 0xFFFFFFFFu;

/// Where a tensor stands in its record, for messages; put together only when there is one. A path with field "keys" reads
/// "features.values.float32_tensor.keys" or "data.features.keys".
struct TensorPath {
  std::string_view map, kind;
  std::string field(std::string_view name) const;
};

/// What the rules look at.
struct TensorParts {
  std::size_t values = 0;
  std::span<const std::uint64_t> keys, shape;
};

struct RowShape {
  bool sparse = false;
  std::uint64_t dim = 0;
};

/// Judges the features of one record. Without keys it is dense; with a shape alone, neither keys nor values, it is a sparse
/// row of zeros. Sparse rows without a shape are `known_dim` wide (0: not known, which is an error). Throws a user Error for
/// empty tensors, counts that differ, keys at or beyond the shape, and shapes beyond 64 bits.
RowShape row_shape(const TensorParts& tensor, const TensorPath& path, std::uint64_t known_dim);

/// The product of the shape; throws a user Error when it does not fit 64 bits.
std::uint64_t shape_size(const TensorParts& tensor, const TensorPath& path);

/// Throws a user Error unless the row is `expected` wide; `by_user`: because feature_dim says so, else because the first
/// record is.
void check_row_width(const RowShape& row, std::string_view map, std::uint64_t expected, bool by_user);

/// feature_dim as the first record has it; throws a user Error when it is beyond kMaxFeatureDim.
std::size_t checked_feature_dim(const RowShape& first, std::string_view map);

/// Brings a sparse row into ascending order of its keys, values along with them. Costs one pass when they are ascending
/// already. Throws a user Error when a key stands there twice.
void sort_sparse_row(std::span<std::uint32_t> keys, std::span<float> values, const TensorPath& path);

}  // namespace smtrain::formats
