// ValueDecoder: the values of one page, in each of Parquet's encodings.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "formats/parquet/schema.h"

namespace smtrain::formats::parquet {

/// Nanoseconds of the day and the Julian day, as old writers keep timestamps.
struct Int96 {
  std::uint32_t words[3];
};

/// Values of a physical type in memory: boolean std::uint8_t, int32 std::int32_t, int64 std::int64_t, int96 Int96, float32 float,
/// float64 double, both kinds of byte arrays std::string_view.
std::size_t value_size(PhysicalType type);

/// The values of a dictionary page; byte arrays view its bytes.
struct Dictionary {
  std::size_t count = 0;
  std::unique_ptr<char[]> values;
};

/// Gives out the values of a page in order. What it gives may view its page, its dictionary and itself. One thread.
class ValueDecoder {
 public:
  virtual ~ValueDecoder() = default;
  /// The next n values as value_size() has it. Throws a user Error without a place when there are fewer, or they are damaged.
  virtual void read(std::size_t n, void* out) = 0;
  /// The same where they lie, not aligned, and valid as long as the page; null: they have to be made, by read().
  virtual const void* view(std::size_t n) {
    (void)n;
    return nullptr;
  }
};

/// `bytes` are the values of a page, at most `count` of them; they and the dictionary must outlive the decoder. Throws a user
/// Error without a place for encodings that do not go with the type, or are not known.
std::unique_ptr<ValueDecoder> make_value_decoder(const LeafType& type, Encoding encoding, std::span<const char> bytes,
                                                 std::size_t count, const Dictionary* dictionary);

/// Reads a dictionary page.
Dictionary make_dictionary(const LeafType& type, Encoding encoding, std::span<const char> bytes, std::size_t count);

}  // namespace smtrain::formats::parquet
