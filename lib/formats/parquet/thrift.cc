#include "formats/parquet/thrift.h"

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace smtrain::formats::parquet {
namespace {

constexpr int kDeepest = 32;

std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

[[noreturn]] void fail_type(ThriftType found, const char* expected) {
  throw user_error("the metadata is damaged: a field of type {}, expected {}", static_cast<int>(found), expected);
}

}  // namespace

void ThriftReader::enter() {
  if (++depth_ > kDeepest) throw user_error("the metadata is damaged: it nests deeper than {} levels", kDeepest);
}

std::uint8_t ThriftReader::byte() {
  if (p_ == end_) throw user_error("the metadata is damaged: it ends early");
  return static_cast<std::uint8_t>(*p_++);
}

std::uint64_t ThriftReader::varint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const std::uint8_t b = byte();
    value |= static_cast<std::uint64_t>(b & 0x7F) << shift;
    if (b < 0x80) return value;
  }
  throw user_error("the metadata is damaged: a number longer than 64 bits");
}

ThriftType ThriftReader::field(std::int64_t& id) {
  const std::uint8_t head = byte();
  const auto type = static_cast<ThriftType>(head & 0x0F);
  if (type == ThriftType::stop) return type;
  if (type > ThriftType::structure) fail_type(type, "one of Thrift's");
  // Within 16 bits, so that sums stay far from overflow.
  id = head >> 4 != 0 ? id + (head >> 4) : static_cast<std::int16_t>(unzigzag(varint()));
  return type;
}

std::size_t ThriftReader::list(ThriftType type, ThriftType& element) {
  if (type != ThriftType::list && type != ThriftType::set) fail_type(type, "a list");
  const std::uint8_t head = byte();
  element = static_cast<ThriftType>(head & 0x0F);
  const std::uint64_t count = head >> 4 == 15 ? varint() : static_cast<std::uint64_t>(head >> 4);
  // Each element takes a byte at least.
  if (count > static_cast<std::uint64_t>(end_ - p_))
    throw user_error("the metadata is damaged: a list of {} elements in {} bytes", count, end_ - p_);
  return static_cast<std::size_t>(count);
}

std::int64_t ThriftReader::integer(ThriftType type) {
  if (type == ThriftType::byte) return static_cast<std::int8_t>(byte());
  if (type != ThriftType::i16 && type != ThriftType::i32 && type != ThriftType::i64) fail_type(type, "an integer");
  return unzigzag(varint());
}

std::int32_t ThriftReader::integer32(ThriftType type) {
  const std::int64_t value = integer(type);
  if (value < std::numeric_limits<std::int32_t>::min() || value > std::numeric_limits<std::int32_t>::max()) {
    throw user_error("the metadata is damaged: {} where 32 bits are expected", value);
  }
  return static_cast<std::int32_t>(value);
}

bool ThriftReader::boolean(ThriftType type) {
  if (type != ThriftType::yes && type != ThriftType::no) fail_type(type, "a boolean");
  return type == ThriftType::yes;
}

std::string_view ThriftReader::text(ThriftType type) {
  if (type != ThriftType::binary) fail_type(type, "a text");
  const std::uint64_t size = varint();
  if (size > static_cast<std::uint64_t>(end_ - p_))
    throw user_error("the metadata is damaged: a text of {} bytes where {} are left", size, end_ - p_);
  const std::string_view text(p_, static_cast<std::size_t>(size));
  p_ += size;
  return text;
}

void ThriftReader::skip(ThriftType type) {
  enter();
  switch (type) {
    case ThriftType::stop:
    case ThriftType::yes:
    case ThriftType::no: break;
    case ThriftType::byte: byte(); break;
    case ThriftType::i16:
    case ThriftType::i32:
    case ThriftType::i64: varint(); break;
    case ThriftType::real:
      for (int i = 0; i < 8; ++i) byte();
      break;
    case ThriftType::binary: text(type); break;
    case ThriftType::list:
    case ThriftType::set:
      elements(type, [&](ThriftType element) {
        if (element == ThriftType::yes || element == ThriftType::no) byte();
        else skip(element);
      });
      break;
    case ThriftType::map: {
      const std::uint64_t count = varint();
      const std::uint8_t types = count == 0 ? 0 : byte();
      if (count > static_cast<std::uint64_t>(end_ - p_)) throw user_error("the metadata is damaged: a map of {} pairs", count);
      for (std::uint64_t i = 0; i < count; ++i) {
        skip(static_cast<ThriftType>(types >> 4));
        skip(static_cast<ThriftType>(types & 0x0F));
      }
      break;
    }
    case ThriftType::structure:
      fields([&](std::int64_t, ThriftType inner) { skip(inner); });
      break;
    default: fail_type(type, "one of Thrift's");
  }
  --depth_;
}

void ThriftWriter::varint(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out_ += static_cast<char>(value | 0x80);
  out_ += static_cast<char>(value);
}

void ThriftWriter::field(int id, ThriftType type) {
  const int delta = id - last_;
  if (delta < 1 || delta > 15) throw internal_error("a Thrift field {} after {}", id, last_);
  out_ += static_cast<char>(delta << 4 | static_cast<int>(type));
  last_ = id;
}

void ThriftWriter::begin() {
  open_ += static_cast<char>(last_);
  last_ = 0;
}

void ThriftWriter::begin(int id) {
  field(id, ThriftType::structure);
  begin();
}

void ThriftWriter::end() {
  out_ += '\0';
  last_ = open_.back();
  open_.pop_back();
}

void ThriftWriter::boolean(int id, bool value) { field(id, value ? ThriftType::yes : ThriftType::no); }

void ThriftWriter::i32(int id, std::int32_t value) {
  field(id, ThriftType::i32);
  i32(value);
}

void ThriftWriter::i64(int id, std::int64_t value) {
  field(id, ThriftType::i64);
  varint(zigzag(value));
}

void ThriftWriter::text(int id, std::string_view value) {
  field(id, ThriftType::binary);
  text(value);
}

void ThriftWriter::list(int id, ThriftType element, std::size_t count) {
  field(id, ThriftType::list);
  out_ += static_cast<char>(std::min<std::size_t>(count, 15) << 4 | static_cast<std::size_t>(element));
  if (count >= 15) varint(count);
}

void ThriftWriter::i32(std::int32_t value) { varint(zigzag(value)); }

void ThriftWriter::text(std::string_view value) {
  varint(value.size());
  out_ += value;
}

}  // namespace smtrain::formats::parquet
