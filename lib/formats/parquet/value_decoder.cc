#include "formats/parquet/value_decoder.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "base/error.h"
#include "formats/parquet/delta_reader.h"
#include "formats/parquet/rle.h"

namespace smtrain::formats::parquet {
namespace {

[[noreturn]] void fail_end() { throw user_error("the data are damaged: a page has fewer values than it says"); }

// What a page may make us hold at once, whatever it claims: writers keep pages near 1 MiB.
constexpr std::size_t kMostHeld = std::size_t{256} << 20;

void check_held(std::size_t bytes) {
  if (bytes > kMostHeld)
    throw user_error("a page unfolds to more than {} MiB; it is damaged, or write the file with smaller pages", kMostHeld >> 20);
}

std::uint32_t load32(const char* p) {
  std::uint32_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

// Numbers as they lie in memory.
class PlainFixed final : public ValueDecoder {
 public:
  PlainFixed(std::span<const char> bytes, std::size_t size) : bytes_(bytes), size_(size) {}
  void read(std::size_t n, void* out) override {
    const void* const from = view(n);
    if (n > 0) std::memcpy(out, from, n * size_);
  }
  const void* view(std::size_t n) override {
    if (n > bytes_.size() / size_) fail_end();
    const char* const from = bytes_.data();
    bytes_ = bytes_.subspan(n * size_);
    return from;
  }

 private:
  std::span<const char> bytes_;
  std::size_t size_;
};

class PlainBoolean final : public ValueDecoder {
 public:
  explicit PlainBoolean(std::span<const char> bytes) : bytes_(bytes) {}
  void read(std::size_t n, void* out) override {
    if (n > bytes_.size() * 8 - at_) fail_end();
    auto* to = static_cast<std::uint8_t*>(out);
    for (std::size_t i = 0; i < n; ++i, ++at_) to[i] = static_cast<std::uint8_t>(bytes_[at_ / 8] >> (at_ % 8) & 1);
  }

 private:
  std::span<const char> bytes_;
  std::size_t at_ = 0;
};

class RleBoolean final : public ValueDecoder {
 public:
  explicit RleBoolean(std::span<const char> bytes) {
    if (bytes.size() < 4 || load32(bytes.data()) > bytes.size() - 4) fail_end();
    reader_ = RleReader(bytes.subspan(4, load32(bytes.data())), 1);
  }
  void read(std::size_t n, void* out) override { reader_.read(static_cast<std::uint8_t*>(out), n); }

 private:
  RleReader reader_;
};

class PlainBytes final : public ValueDecoder {
 public:
  explicit PlainBytes(std::span<const char> bytes) : bytes_(bytes) {}
  void read(std::size_t n, void* out) override {
    auto* to = static_cast<std::string_view*>(out);
    for (std::size_t i = 0; i < n; ++i) {
      if (bytes_.size() < 4 || load32(bytes_.data()) > bytes_.size() - 4) fail_end();
      to[i] = std::string_view(bytes_.data() + 4, load32(bytes_.data()));
      bytes_ = bytes_.subspan(4 + to[i].size());
    }
  }

 private:
  std::span<const char> bytes_;
};

class PlainFixedBytes final : public ValueDecoder {
 public:
  PlainFixedBytes(std::span<const char> bytes, std::size_t size) : bytes_(bytes), size_(size) {}
  void read(std::size_t n, void* out) override {
    if (n > bytes_.size() / size_) fail_end();
    auto* to = static_cast<std::string_view*>(out);
    for (std::size_t i = 0; i < n; ++i) to[i] = std::string_view(bytes_.data() + i * size_, size_);
    bytes_ = bytes_.subspan(n * size_);
  }

 private:
  std::span<const char> bytes_;
  std::size_t size_;
};

template <class T>
class DictionaryValues final : public ValueDecoder {
 public:
  DictionaryValues(std::span<const char> bytes, const Dictionary& dictionary)
      : values_(reinterpret_cast<const T*>(dictionary.values.get())),
        count_(dictionary.count),
        last_(static_cast<std::uint32_t>(std::min<std::size_t>(count_, std::size_t{1} << 31)) - 1) {
    if (bytes.empty()) return;  // a page of nulls alone
    reader_ = RleReader(bytes.subspan(1), static_cast<unsigned char>(bytes[0]));
  }
  void read(std::size_t n, void* out) override {
    auto* to = static_cast<T*>(out);
    for (std::uint32_t index[kAtOnce]; n > 0;) {
      const std::size_t take = std::min(n, kAtOnce);
      reader_.read(index, take);
      std::uint32_t beyond = 0;
      for (std::size_t i = 0; i < take; ++i) beyond |= static_cast<std::uint32_t>(index[i] > last_);
      if (count_ == 0 || beyond != 0) refuse_index(*std::max_element(index, index + take));
      for (std::size_t i = 0; i < take; ++i) to[i] = values_[index[i]];
      to += take;
      n -= take;
    }
  }

 private:
  static constexpr std::size_t kAtOnce = 1024;
  [[noreturn]] void refuse_index(std::uint32_t index) const {
    throw user_error("the data are damaged: entry {} of a dictionary of {}", index, count_);
  }

  const T* values_;
  std::size_t count_;
  std::uint32_t last_;  // index, where there is one
  RleReader reader_;
};

template <class T>
class DeltaNumbers final : public ValueDecoder {
 public:
  explicit DeltaNumbers(std::span<const char> bytes) : reader_(bytes) {}
  void read(std::size_t n, void* out) override { reader_.read(static_cast<T*>(out), n); }

 private:
  DeltaReader reader_;
};

// Lengths first, then all bytes.
class DeltaLengthBytes final : public ValueDecoder {
 public:
  DeltaLengthBytes(std::span<const char> bytes, std::size_t count) {
    DeltaReader reader(bytes);
    if (reader.count() > count) throw user_error("the data are damaged: a page has more values than it says");
    check_held(reader.count() * sizeof(std::int32_t));
    lengths_.resize(reader.count());
    reader.read(lengths_.data(), lengths_.size());
    bytes_ = reader.rest();
  }
  void read(std::size_t n, void* out) override {
    if (n > lengths_.size() - at_) fail_end();
    auto* to = static_cast<std::string_view*>(out);
    for (std::size_t i = 0; i < n; ++i) {
      const std::int32_t length = lengths_[at_++];
      if (length < 0 || static_cast<std::size_t>(length) > bytes_.size()) fail_end();
      to[i] = std::string_view(bytes_.data(), static_cast<std::size_t>(length));
      bytes_ = bytes_.subspan(to[i].size());
    }
  }
  std::size_t left() const { return lengths_.size() - at_; }

 private:
  std::vector<std::int32_t> lengths_;
  std::size_t at_ = 0;
  std::span<const char> bytes_;
};

// Each value repeats the beginning of the one before.
class DeltaBytes final : public ValueDecoder {
 public:
  DeltaBytes(std::span<const char> bytes, std::size_t count, std::size_t fixed_size) {
    DeltaReader prefixes(bytes);
    if (prefixes.count() > count) throw user_error("the data are damaged: a page has more values than it says");
    check_held(prefixes.count() * (sizeof(std::int32_t) + sizeof(std::string_view)));
    std::vector<std::int32_t> lengths(prefixes.count());
    prefixes.read(lengths.data(), lengths.size());
    DeltaLengthBytes suffixes(prefixes.rest(), count);
    if (suffixes.left() != lengths.size()) fail_end();
    unfold(lengths, suffixes, fixed_size);
  }
  void read(std::size_t n, void* out) override {
    if (n > values_.size() - at_) fail_end();
    std::copy_n(values_.begin() + static_cast<std::ptrdiff_t>(at_), n, static_cast<std::string_view*>(out));
    at_ += n;
  }

 private:
  void unfold(const std::vector<std::int32_t>& prefixes, DeltaLengthBytes& suffixes, std::size_t fixed_size) {
    std::vector<std::size_t> ends;
    ends.reserve(prefixes.size());
    std::size_t last = 0;  // length of the value before
    for (const std::int32_t prefix : prefixes) {
      std::string_view suffix;
      suffixes.read(1, &suffix);
      if (prefix < 0 || static_cast<std::size_t>(prefix) > last)
        throw user_error("the data are damaged: a value repeats {} bytes of {}", prefix, last);
      const std::size_t from = bytes_.size() - last, shared = static_cast<std::size_t>(prefix);
      last = shared + suffix.size();
      check_held(bytes_.size() + last);
      if (fixed_size != 0 && last != fixed_size)
        throw user_error("the data are damaged: a value of {} bytes, expected {}", last, fixed_size);
      const std::size_t to = bytes_.size();
      bytes_.resize(to + shared);
      std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(from), shared, bytes_.begin() + static_cast<std::ptrdiff_t>(to));
      bytes_.append(suffix);
      ends.push_back(bytes_.size());
    }
    std::size_t begin = 0;
    for (const std::size_t end : ends) {
      values_.emplace_back(bytes_.data() + begin, end - begin);
      begin = end;
    }
  }

  std::string bytes_;
  std::vector<std::string_view> values_;
  std::size_t at_ = 0;
};

// The first bytes of all values, then the second ones, ….
class ByteStreamSplit final : public ValueDecoder {
 public:
  ByteStreamSplit(std::span<const char> bytes, std::size_t size, bool fixed_bytes)
      : bytes_(bytes), size_(size), count_(bytes.size() / size), fixed_bytes_(fixed_bytes) {
    if (fixed_bytes_) values_.reserve(bytes.size());
  }
  void read(std::size_t n, void* out) override {
    if (n > count_ - at_) fail_end();
    if (fixed_bytes_) return read_bytes(n, static_cast<std::string_view*>(out));
    join(n, static_cast<char*>(out));
  }

 private:
  void join(std::size_t n, char* out) {
    for (std::size_t b = 0; b < size_; ++b) {
      const char* const from = bytes_.data() + b * count_ + at_;
      for (std::size_t i = 0; i < n; ++i) out[i * size_ + b] = from[i];
    }
    at_ += n;
  }
  // Held in values_, which has room for all of them and so never moves.
  void read_bytes(std::size_t n, std::string_view* out) {
    const std::size_t begin = values_.size();
    values_.resize(begin + n * size_);
    join(n, values_.data() + begin);
    for (std::size_t i = 0; i < n; ++i) out[i] = std::string_view(values_.data() + begin + i * size_, size_);
  }

  std::span<const char> bytes_;
  std::size_t size_, count_, at_ = 0;
  bool fixed_bytes_;
  std::string values_;
};

bool is_bytes(PhysicalType type) { return type == PhysicalType::byte_array || type == PhysicalType::fixed_len_byte_array; }

[[noreturn]] void refuse(Encoding encoding, PhysicalType type) {
  throw user_error("values of type {} in the encoding {} cannot be read", static_cast<int>(type), name_of(encoding));
}

std::unique_ptr<ValueDecoder> make_plain(const LeafType& type, std::span<const char> bytes) {
  switch (type.type) {
    case PhysicalType::boolean: return std::make_unique<PlainBoolean>(bytes);
    case PhysicalType::byte_array: return std::make_unique<PlainBytes>(bytes);
    case PhysicalType::fixed_len_byte_array:
      return std::make_unique<PlainFixedBytes>(bytes, static_cast<std::size_t>(type.type_length));
    default: return std::make_unique<PlainFixed>(bytes, value_size(type.type));
  }
}

std::unique_ptr<ValueDecoder> make_from_dictionary(const LeafType& type, std::span<const char> bytes,
                                                   const Dictionary* dictionary) {
  if (dictionary == nullptr) throw user_error("the data are damaged: a page refers to a dictionary, and there is none");
  switch (type.type) {
    case PhysicalType::boolean: refuse(Encoding::rle_dictionary, type.type);
    case PhysicalType::int96: return std::make_unique<DictionaryValues<Int96>>(bytes, *dictionary);
    case PhysicalType::int32:
    case PhysicalType::float32: return std::make_unique<DictionaryValues<std::uint32_t>>(bytes, *dictionary);
    case PhysicalType::int64:
    case PhysicalType::float64: return std::make_unique<DictionaryValues<std::uint64_t>>(bytes, *dictionary);
    default: return std::make_unique<DictionaryValues<std::string_view>>(bytes, *dictionary);
  }
}

std::unique_ptr<ValueDecoder> make_split(const LeafType& type, std::span<const char> bytes) {
  const bool fixed = type.type == PhysicalType::fixed_len_byte_array;
  if (type.type == PhysicalType::boolean || type.type == PhysicalType::int96 || type.type == PhysicalType::byte_array) {
    refuse(Encoding::byte_stream_split, type.type);
  }
  const std::size_t size = fixed ? static_cast<std::size_t>(type.type_length) : value_size(type.type);
  return std::make_unique<ByteStreamSplit>(bytes, size, fixed);
}

}  // namespace

std::size_t value_size(PhysicalType type) {
  switch (type) {
    case PhysicalType::boolean: return 1;
    case PhysicalType::int32:
    case PhysicalType::float32: return 4;
    case PhysicalType::int64:
    case PhysicalType::float64: return 8;
    case PhysicalType::int96: return sizeof(Int96);
    default: return sizeof(std::string_view);
  }
}

std::unique_ptr<ValueDecoder> make_value_decoder(const LeafType& type, Encoding encoding, std::span<const char> bytes,
                                                 std::size_t count, const Dictionary* dictionary) {
  const std::size_t fixed_size = type.type == PhysicalType::fixed_len_byte_array ? static_cast<std::size_t>(type.type_length) : 0;
  // A page of nulls alone may leave out even the head of its encoding.
  if (bytes.empty()) return std::make_unique<PlainFixed>(bytes, value_size(type.type));
  switch (encoding) {
    case Encoding::plain: return make_plain(type, bytes);
    case Encoding::plain_dictionary:
    case Encoding::rle_dictionary: return make_from_dictionary(type, bytes, dictionary);
    case Encoding::rle:
      if (type.type == PhysicalType::boolean) return std::make_unique<RleBoolean>(bytes);
      break;
    case Encoding::delta_binary_packed:
      if (type.type == PhysicalType::int32) return std::make_unique<DeltaNumbers<std::int32_t>>(bytes);
      if (type.type == PhysicalType::int64) return std::make_unique<DeltaNumbers<std::int64_t>>(bytes);
      break;
    case Encoding::delta_length_byte_array:
      if (type.type == PhysicalType::byte_array) return std::make_unique<DeltaLengthBytes>(bytes, count);
      break;
    case Encoding::delta_byte_array:
      if (is_bytes(type.type)) return std::make_unique<DeltaBytes>(bytes, count, fixed_size);
      break;
    case Encoding::byte_stream_split: return make_split(type, bytes);
    default: break;
  }
  refuse(encoding, type.type);
}

Dictionary make_dictionary(const LeafType& type, Encoding encoding, std::span<const char> bytes, std::size_t count) {
  if (encoding != Encoding::plain && encoding != Encoding::plain_dictionary) refuse(encoding, type.type);
  // A value takes a bit at least.
  if (count > bytes.size() * 8) fail_end();
  const std::size_t size = value_size(type.type);
  Dictionary dictionary{count, std::make_unique_for_overwrite<char[]>(count * size)};
  make_plain(type, bytes)->read(count, dictionary.values.get());
  return dictionary;
}

}  // namespace smtrain::formats::parquet
