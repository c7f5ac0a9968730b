#include "formats/parquet/column_writer.h"

#include <isa-l/crc.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "formats/parquet/page_codec.h"
#include "formats/parquet/rle.h"
#include "formats/parquet/thrift.h"

namespace smtrain::formats::parquet {
namespace {

// As many as other writers put into a page at most: with pages that begin at the same rows in all columns a reader needs no more
// of a row group at a time than some of them, and unfolds them within a second-level cache.
constexpr std::size_t kPageValues = 20000;
// A dictionary pays where its indices are well below the numbers' own 32 bits.
constexpr std::size_t kMostDistinct = std::size_t{1} << 12, kRepeats = 8;

void append_page(std::string& out, WrittenColumn& column, PageType type, Encoding encoding, std::size_t values,
                 const std::string& body) {
  std::string packed;
  compress_page(column.codec, body, packed);
  const std::uint32_t crc = crc32_gzip_refl(0, reinterpret_cast<const unsigned char*>(packed.data()), packed.size());
  ThriftWriter head;
  head.begin();
  head.i32(1, static_cast<std::int32_t>(type));
  head.i32(2, static_cast<std::int32_t>(body.size()));
  head.i32(3, static_cast<std::int32_t>(packed.size()));
  head.i32(4, static_cast<std::int32_t>(crc));
  head.begin(type == PageType::dictionary ? 7 : 5);
  head.i32(1, static_cast<std::int32_t>(values));
  head.i32(2, static_cast<std::int32_t>(encoding));
  if (type == PageType::data) {
    head.i32(3, static_cast<std::int32_t>(Encoding::rle));
    head.i32(4, static_cast<std::int32_t>(Encoding::rle));
  }
  head.end();
  head.end();
  out += head.bytes();
  out += packed;
  column.uncompressed += head.bytes().size() + body.size();
  column.compressed += head.bytes().size() + packed.size();
}

template <class T>
std::string plain(std::span<const T> values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size_bytes());
}

// Distinct numbers by their bits, so that -0 and every NaN come back as they were.
class FloatDictionary {
 public:
  explicit FloatDictionary(std::size_t most) : most_(most), slots_(std::bit_ceil(4 * std::max<std::size_t>(most, 2)), kFree) {}

  /// False when there are more than `most`.
  bool add(std::span<const float> values, std::vector<std::uint32_t>& indices) {
    indices.resize(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto bits = std::bit_cast<std::uint32_t>(values[i]);
      std::size_t slot = bits * std::uint64_t{0x9E3779B97F4A7C15} >> 32 & (slots_.size() - 1);
      while (slots_[slot] != kFree && std::bit_cast<std::uint32_t>(numbers_[slots_[slot]]) != bits)
        slot = (slot + 1) & (slots_.size() - 1);
      if (slots_[slot] == kFree) {
        if (numbers_.size() == most_) return false;
        slots_[slot] = static_cast<std::uint32_t>(numbers_.size());
        numbers_.push_back(values[i]);
      }
      indices[i] = slots_[slot];
    }
    return true;
  }
  std::span<const float> numbers() const { return numbers_; }

 private:
  static constexpr std::uint32_t kFree = ~std::uint32_t{0};
  std::size_t most_;
  std::vector<std::uint32_t> slots_;
  std::vector<float> numbers_;
};

void set_range(WrittenColumn& column, std::span<const float> values) {
  for (const float x : values) {
    if (!std::isfinite(x)) {
      // Readers leave out what lies outside the range, and infinities would.
      if (std::isinf(x)) {
        column.has_range = false;
        return;
      }
      continue;
    }
    column.min = column.has_range ? std::min(column.min, x) : x;
    column.max = column.has_range ? std::max(column.max, x) : x;
    column.has_range = true;
  }
  // The format's rule: a zero stands for both.
  if (column.min == 0) column.min = -0.0f;
  if (column.max == 0) column.max = 0.0f;
}

void append_levels(std::string& body, const std::vector<std::uint32_t>& levels, int most) {
  if (most == 0) return;
  std::string packed;
  append_rle(packed, levels, bit_width_of(static_cast<std::uint64_t>(most)));
  const auto size = static_cast<std::uint32_t>(packed.size());
  body.append(reinterpret_cast<const char*>(&size), sizeof size);
  body += packed;
}

}  // namespace

WrittenColumn append_floats(std::string& out, std::span<const float> values, Codec codec) {
  WrittenColumn column;
  column.codec = codec;
  column.values = values.size();
  column.begin = out.size();
  set_range(column, values);
  FloatDictionary dictionary(std::min(kMostDistinct, values.size() / kRepeats));
  std::vector<std::uint32_t> indices;
  column.dictionary = dictionary.add(values, indices);
  if (column.dictionary)
    append_page(out, column, PageType::dictionary, Encoding::plain, dictionary.numbers().size(), plain(dictionary.numbers()));
  column.data_begin = out.size();
  const int width = std::max(1, bit_width_of(dictionary.numbers().size() - 1));
  for (std::size_t at = 0; at < values.size(); at += kPageValues) {
    const std::size_t count = std::min(kPageValues, values.size() - at);
    if (!column.dictionary) {
      append_page(out, column, PageType::data, Encoding::plain, count, plain(values.subspan(at, count)));
      continue;
    }
    std::string body(1, static_cast<char>(width));
    append_rle(body, std::span<const std::uint32_t>(indices).subspan(at, count), width);
    append_page(out, column, PageType::data, Encoding::rle_dictionary, count, body);
  }
  return column;
}

template <class T>
WrittenColumn append_nested(std::string& out, std::span<const T> values, std::size_t entries, const Levels& levels, Codec codec) {
  WrittenColumn column;
  column.type = std::is_same_v<T, double> ? PhysicalType::float64 : PhysicalType::int32;
  column.codec = codec;
  column.values = entries;
  column.begin = column.data_begin = out.size();
  std::string body;
  append_levels(body, levels.repetition, levels.max_repetition);
  append_levels(body, levels.definition, levels.max_definition);
  body += plain(values);
  append_page(out, column, PageType::data, Encoding::plain, entries, body);
  return column;
}

template WrittenColumn append_nested(std::string&, std::span<const double>, std::size_t, const Levels&, Codec);
template WrittenColumn append_nested(std::string&, std::span<const std::int32_t>, std::size_t, const Levels&, Codec);

}  // namespace smtrain::formats::parquet
