// Thrift's compact protocol, as much of it as Parquet's metadata is written in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace smtrain::formats::parquet {

enum class ThriftType : std::uint8_t {
  stop = 0,
  yes = 1,
  no = 2,
  byte = 3,
  i16 = 4,
  i32 = 5,
  i64 = 6,
  real = 7,
  binary = 8,
  list = 9,
  set = 10,
  map = 11,
  structure = 12
};

/// Reads a structure out of bytes that nobody vouches for. Every call throws a user Error without a place when the bytes end
/// early, a type is not the one expected, or structures nest beyond 32 levels. One thread.
class ThriftReader {
 public:
  explicit ThriftReader(std::span<const char> bytes) : begin_(bytes.data()), p_(begin_), end_(begin_ + bytes.size()) {}

  /// Calls `on_field(id, type)` for each field of the structure that begins here; it must take the value or skip() it.
  template <class F>
  void fields(F&& on_field) {
    enter();
    std::int64_t id = 0;
    for (ThriftType type; (type = field(id)) != ThriftType::stop;) on_field(id, type);
    --depth_;
  }
  /// Calls `on_element(type)` for each element of the list that begins here.
  template <class F>
  void elements(ThriftType type, F&& on_element) {
    ThriftType element;
    for (std::size_t left = list(type, element); left > 0; --left) on_element(element);
  }

  std::int64_t integer(ThriftType type);
  /// An integer that must fit 32 bits.
  std::int32_t integer32(ThriftType type);
  bool boolean(ThriftType type);
  std::string_view text(ThriftType type);
  void skip(ThriftType type);

  /// Bytes taken so far.
  std::size_t position() const { return static_cast<std::size_t>(p_ - begin_); }

 private:
  void enter();
  ThriftType field(std::int64_t& id);
  std::size_t list(ThriftType type, ThriftType& element);
  std::uint8_t byte();
  std::uint64_t varint();

  const char* begin_;
  const char* p_;
  const char* end_;
  int depth_ = 0;
};

/// Writes structures; fields in ascending order of their ids.
class ThriftWriter {
 public:
  void begin();  ///< a structure: the outermost one, or an element of a list
  void end();
  void begin(int id);  ///< a structure in a field
  void boolean(int id, bool value);
  void i32(int id, std::int32_t value);
  void i64(int id, std::int64_t value);
  void text(int id, std::string_view value);
  void list(int id, ThriftType element, std::size_t count);
  // Elements of lists.
  void i32(std::int32_t value);
  void text(std::string_view value);

  const std::string& bytes() const { return out_; }

 private:
  void field(int id, ThriftType type);
  void varint(std::uint64_t value);

  std::string out_;
  int last_ = 0;
  std::string open_;  // the last ids of the structures around, one char each: ids are small
};

}  // namespace smtrain::formats::parquet
