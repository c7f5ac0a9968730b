// What a Parquet file says about itself: the footer, page headers, the index of pages. Names as in the format's own
// definition (parquet.thrift); fields that reading needs not are left out.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace smtrain::formats::parquet {

enum class PhysicalType : std::uint8_t { boolean, int32, int64, int96, float32, float64, byte_array, fixed_len_byte_array };
enum class Repetition : std::uint8_t { required, optional, repeated };
enum class Codec : std::uint8_t { uncompressed, snappy, gzip, lzo, brotli, lz4, zstd, lz4_raw };
enum class Encoding : std::uint8_t {
  plain = 0,
  plain_dictionary = 2,
  rle = 3,
  bit_packed = 4,
  delta_binary_packed = 5,
  delta_length_byte_array = 6,
  delta_byte_array = 7,
  rle_dictionary = 8,
  byte_stream_split = 9
};
enum class PageType : std::uint8_t { data = 0, index = 1, dictionary = 2, data_v2 = 3 };

/// What a column's values mean, of converted_type and logicalType alike.
enum class Meaning : std::uint8_t {
  none,
  text,
  enumeration,
  json,
  bson,
  decimal,
  date,
  time,
  timestamp,
  integer,
  unsigned_integer,
  uuid,
  float16,
  interval,
  list,
  map,
  null
};
enum class TimeUnit : std::uint8_t { millis, micros, nanos };

struct SchemaElement {
  std::optional<PhysicalType> type;  ///< groups have none
  std::int32_t type_length = 0;
  Repetition repetition = Repetition::required;
  std::string name;
  std::int32_t num_children = 0;
  Meaning meaning = Meaning::none;
  TimeUnit unit = TimeUnit::millis;
  std::int32_t scale = 0;
};

struct ColumnChunk {
  PhysicalType type = PhysicalType::boolean;
  Codec codec = Codec::uncompressed;
  std::int64_t num_values = 0;
  std::int64_t total_uncompressed_size = 0;
  std::int64_t total_compressed_size = 0;
  std::int64_t data_page_offset = 0;
  std::int64_t dictionary_page_offset = 0;  ///< 0: none
  std::int64_t offset_index_offset = 0;     ///< 0: none
  std::int32_t offset_index_length = 0;

  /// Where its first page begins.
  std::int64_t begin() const {
    return dictionary_page_offset > 0 && dictionary_page_offset < data_page_offset ? dictionary_page_offset : data_page_offset;
  }
};

struct RowGroup {
  std::vector<ColumnChunk> columns;  ///< one per leaf of the schema
  std::int64_t num_rows = 0;
};

struct FileMetadata {
  std::vector<SchemaElement> schema;  ///< depth first; the root is the first
  std::int64_t num_rows = 0;
  std::vector<RowGroup> row_groups;
  std::vector<std::pair<std::string, std::string>> key_values;
  std::string created_by;
};

struct PageHeader {
  PageType type = PageType::data;
  std::int32_t uncompressed_page_size = 0;
  std::int32_t compressed_page_size = 0;
  std::optional<std::uint32_t> crc;
  std::int32_t num_values = 0;
  std::int32_t num_rows = 0;  ///< v2 only
  std::int32_t num_nulls = 0; ///< v2 only
  Encoding encoding = Encoding::plain;
  Encoding definition_level_encoding = Encoding::rle, repetition_level_encoding = Encoding::rle;
  std::int32_t definition_levels_byte_length = 0, repetition_levels_byte_length = 0;  ///< v2 only
  bool is_compressed = true;  ///< v2 only
};

struct PageLocation {
  std::int64_t offset = 0;
  std::int32_t compressed_page_size = 0;  ///< with its header
  std::int64_t first_row_index = 0;       ///< in the row group
};

/// Each reads one structure that begins at bytes[0] and throws a user Error without a place for what is no such structure.
/// Counts and sizes are not negative, enumerators known. `used`: the bytes it takes.
FileMetadata read_file_metadata(std::span<const char> bytes, std::size_t* used = nullptr);
PageHeader read_page_header(std::span<const char> bytes, std::size_t& used);
std::vector<PageLocation> read_offset_index(std::span<const char> bytes);

const char* name_of(Codec codec);
const char* name_of(Encoding encoding);

}  // namespace smtrain::formats::parquet
