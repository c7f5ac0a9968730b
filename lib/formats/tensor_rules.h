// Rules that recordIO and JSON tensors share: the size a shape states, and the order of sparse positions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace smtrain::formats {

/// The product of a shape's dimensions, 1 for an empty shape; nullopt when it does not fit 64 bits.
std::optional<std::uint64_t> shape_product(std::span<const std::uint64_t> shape);

/// The largest feature_dim: positions of sparse rows are 32 bits wide.
inline constexpr std::uint64_t kMaxFeatureDim = 0xFFFFFFFFu;

/// Brings a sparse row into ascending order of its positions, values along with them. Costs one pass when they are
/// ascending already. Throws a user Error that starts with `path` when a position stands there twice.
void sort_sparse_row(std::span<std::uint32_t> positions, std::span<float> values, std::string_view path);

}  // namespace smtrain::formats
