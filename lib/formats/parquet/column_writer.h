// ColumnWriter: the pages of one column of a row group, and what the footer says about them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "formats/parquet/metadata.h"

namespace smtrain::formats::parquet {

/// Plain data, so that it travels in bytes.
struct WrittenColumn {
  PhysicalType type = PhysicalType::float32;
  Codec codec = Codec::uncompressed;
  bool dictionary = false;
  bool has_range = false;                      ///< min and max are those of its finite numbers
  std::uint64_t values = 0;                    ///< with nulls and empty lists
  std::uint64_t begin = 0;                     ///< of its first page, in the bytes of its row group
  std::uint64_t data_begin = 0;                ///< of its first data page
  std::uint64_t uncompressed = 0, compressed = 0;
  float min = 0, max = 0;
};

/// Levels of a leaf below lists or optional groups; empty where all are alike and 0.
struct Levels {
  std::vector<std::uint32_t> repetition, definition;
  int max_repetition = 0, max_definition = 0;
};

/// Appends the pages of required float32 numbers to `out`, which holds the row group from its first byte: with a dictionary where
/// numbers repeat a lot. NaN is a number here. Thread-safe.
WrittenColumn append_floats(std::string& out, std::span<const float> values, Codec codec);

/// Appends one page of numbers that lie below lists or optional groups; `entries` of them with nulls and empty lists.
template <class T>
WrittenColumn append_nested(std::string& out, std::span<const T> values, std::size_t entries, const Levels& levels, Codec codec);

}  // namespace smtrain::formats::parquet
