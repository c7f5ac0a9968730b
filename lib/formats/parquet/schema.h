// Schema: the columns of a Parquet file, and what the values of each leaf are.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "formats/parquet/metadata.h"

namespace smtrain::formats::parquet {

/// What a column's values are to those who read them.
enum class Kind : std::uint8_t {
  boolean,
  integer,    ///< any width that fits 64 signed bits
  number,     ///< floating point, decimals, unsigned integers of 64 bits
  text,       ///< UTF-8
  binary,     ///< bytes without a meaning
  timestamp,  ///< microseconds since 1970-01-01 00:00, as the clock showed it, or UTC where the file says so
  date,       ///< the same, at midnight
  time,       ///< microseconds since midnight
};

/// "a number", "text", "a timestamp": for messages.
const char* words_for(Kind kind);

/// How a leaf is stored; plain data, so that it travels in bytes.
struct LeafType {
  static constexpr std::size_t kMaxLists = 6;

  PhysicalType type = PhysicalType::boolean;
  Meaning meaning = Meaning::none;
  TimeUnit unit = TimeUnit::millis;
  std::uint8_t max_definition = 0;
  std::uint8_t max_repetition = 0;         ///< lists around each value
  std::uint8_t entry_levels[kMaxLists] =
      {};  ///< of each list, outermost first: the definition level from which on it has an entry
  std::uint8_t reserved = 0;
  std::int32_t type_length = 0;            ///< bytes of fixed_len_byte_array
  std::int32_t scale = 0;                  ///< of decimals

  Kind kind() const;
};
static_assert(std::is_trivially_copyable_v<LeafType>);

/// A column that holds values. Structures are taken apart: each of their members is a leaf.
struct Leaf {
  std::string name;       ///< dotted from the top, without the groups that only make lists: "target", "features.values"
  std::size_t root = 0;   ///< the top-level column it belongs to
  LeafType type;
};

struct Root {
  std::string name;
  std::size_t first_leaf = 0, leaves = 0;
};

struct Schema {
  std::vector<Root> roots;    ///< in the order of the file
  std::vector<Leaf> leaves;   ///< in the order of RowGroup::columns
};

/// Builds the tree. Throws a user Error without a place for a schema that is none, and for lists deeper than kMaxLists.
Schema make_schema(const std::vector<SchemaElement>& elements);

}  // namespace smtrain::formats::parquet
