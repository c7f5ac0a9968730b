#include "formats/recordio/record.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <protozero/buffer_string.hpp>
#include <protozero/exception.hpp>
#include <protozero/varint.hpp>

#include "base/error.h"

static_assert(std::endian::native == std::endian::little, "numbers are copied as they stand in the file");

namespace smtrain::formats::recordio {
namespace {

enum WireType : std::uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct Malformed {
  std::string what;
};

// One field of a message. Lengths and tags are read in full 64 bits: protozero's own reader cuts them to 32, so that a
// length of 2^32 + 4 would pass for 4.
class Fields {
 public:
  explicit Fields(std::string_view message) : at_(message.data()), end_(message.data() + message.size()) {}

  bool next() {
    if (at_ == end_) return false;
    const std::uint64_t tag = protozero::decode_varint(&at_, end_);
    number_ = tag >> 3;
    wire_ = static_cast<std::uint32_t>(tag & 7);
    if (number_ == 0 || number_ >= (1u << 29)) throw Malformed{fmt::format("field number {} is not legal", number_)};
    read();
    return true;
  }
  std::uint64_t number() const { return number_; }
  std::uint32_t wire() const { return wire_; }
  std::uint64_t varint() const { return varint_; }
  /// Bytes of a length-delimited or fixed field.
  std::string_view bytes() const { return bytes_; }
  std::string_view expect_bytes() const {
    if (wire_ != kBytes) throw Malformed{fmt::format("wire type {}, expected 2 (length-delimited)", wire_)};
    return bytes_;
  }

 private:
  void read() {
    switch (wire_) {
      case kVarint: varint_ = protozero::decode_varint(&at_, end_); return;
      case kBytes: take(protozero::decode_varint(&at_, end_)); return;
      case kFixed32: take(4); return;
      case kFixed64: take(8); return;
      default: throw Malformed{fmt::format("wire type {}, expected 0, 1, 2 or 5", wire_)};
    }
  }
  void take(std::uint64_t length) {
    const auto left = static_cast<std::uint64_t>(end_ - at_);
    if (length > left) throw Malformed{fmt::format("a length of {} bytes where {} are left", length, left)};
    bytes_ = std::string_view(at_, static_cast<std::size_t>(length));
    at_ += length;
  }

  const char* at_;
  const char* end_;
  std::uint64_t number_ = 0, varint_ = 0;
  std::uint32_t wire_ = 0;
  std::string_view bytes_;
};

// Number of varints in a packed run, every one whole and of at most ten bytes.
std::size_t count_varints(std::string_view run) {
  std::size_t count = 0, length = 0;
  for (const char c : run) {
    if (++length > 10) throw protozero::varint_too_long_exception();
    if ((c & '\x80') == 0) {
      ++count;
      length = 0;
    }
  }
  if (length != 0) throw protozero::end_of_buffer_exception();
  return count;
}

std::size_t width_of(NumberType type) { return type == NumberType::f64 ? 8 : 4; }

class Decoder {
 public:
  Decoder(std::string_view payload, std::string_view key, Record& record) : payload_(payload), wanted_(key), record_(record) {}

  void run() {
    record_.has_features = record_.has_label = false;
    record_.uid = record_.metadata = record_.configuration = record_.other_feature = {};
    record_.scratch.clear();
    read_record();
    map_ = "features";
    if (record_.has_features) read_value(features_, record_.features);
    else reset(record_.features);
    map_ = "label";
    if (record_.has_label) read_value(label_, record_.label);
    else reset(record_.label);
  }

  /// "features.values.float32_tensor.keys", as far as decoding got.
  std::string path() const {
    std::string text;
    for (const std::string_view part : {std::string_view(map_), entry_, std::string_view(tensor_), std::string_view(field_)}) {
      if (!part.empty()) text += (text.empty() ? "" : ".") + std::string(part);
    }
    return text;
  }

 private:
  static void reset(Tensor& tensor) {
    tensor.type = NumberType::none;
    tensor.values = 0;
    tensor.packed = {};
    tensor.keys.clear();
    tensor.shape.clear();
  }

  void read_record() {
    map_ = "record";
    for (Fields f(payload_); f.next(); map_ = "record") {
      switch (f.number()) {
        case 1: map_ = "features"; read_entry(f.expect_bytes(), features_, record_.has_features, true); break;
        case 2: map_ = "label"; read_entry(f.expect_bytes(), label_, record_.has_label, false); break;
        case 3: record_.uid = f.expect_bytes(); break;
        case 4: record_.metadata = f.expect_bytes(); break;
        case 5: record_.configuration = f.expect_bytes(); break;
        default: break;
      }
    }
  }

  // Only the last entry of a key counts, so values are decoded when all entries are known.
  void read_entry(std::string_view entry, std::string_view& values, bool& has, bool features) {
    std::string_view key, value;
    for (Fields f(entry); f.next();) {
      if (f.number() == 1) key = f.expect_bytes();
      else if (f.number() == 2) value = f.expect_bytes();
    }
    if (key == wanted_) {
      values = value;
      has = true;
    } else if (features) {
      record_.other_feature = key;
    }
  }

  void read_value(std::string_view value, Tensor& tensor) {
    reset(tensor);
    entry_ = wanted_;
    std::string_view chosen;
    for (Fields f(value); f.next();) {
      NumberType type = NumberType::none;
      switch (f.number()) {
        case 2: type = NumberType::f32; break;
        case 3: type = NumberType::f64; break;
        case 7: type = NumberType::i32; break;
        case 9: type = NumberType::bytes; break;
        default: continue;
      }
      chosen = f.expect_bytes();
      tensor.type = type;
    }
    if (tensor.type != NumberType::none && tensor.type != NumberType::bytes) {
      tensor_ = name_of(tensor.type);
      read_tensor(chosen, tensor);
    }
    entry_ = {};
    tensor_ = field_ = "";
  }

  void read_tensor(std::string_view message, Tensor& tensor) {
    bool any_run = false, gathered = false;
    for (Fields f(message); f.next();) {
      if (f.number() == 1) {
        field_ = "values";
        const bool packed = f.wire() == kBytes;
        tensor.values += packed ? count_run(f.bytes(), tensor.type) : 1;
        if (packed && !any_run) {
          tensor.packed = f.bytes();
        } else {
          gather(f, tensor, gathered);
        }
        any_run = true;
      } else if (f.number() == 2) {
        field_ = "keys";
        append_numbers(f, tensor.keys);
      } else if (f.number() == 3) {
        field_ = "shape";
        append_numbers(f, tensor.shape);
      }
      field_ = "";
    }
  }

  // Every run is checked by itself: two broken ones could make a whole one.
  static std::size_t count_run(std::string_view run, NumberType type) {
    if (type == NumberType::i32) return count_varints(run);
    const std::size_t width = width_of(type);
    if (run.size() % width != 0) throw Malformed{fmt::format("{} packed bytes, expected a multiple of {}", run.size(), width)};
    return run.size() / width;
  }

  // Second and further runs, and unpacked values, are put together in scratch. It never grows beyond the payload, so that
  // views into it stay valid.
  void gather(const Fields& f, Tensor& tensor, bool& gathered) {
    std::string& scratch = record_.scratch;
    if (!gathered) {
      if (scratch.empty()) scratch.reserve(payload_.size());
      const std::size_t begin = scratch.size();
      scratch.append(tensor.packed);
      tensor.packed = std::string_view(scratch.data() + begin, scratch.size() - begin);
      gathered = true;
    }
    const std::size_t before = scratch.size();
    append_values(f, tensor.type);
    tensor.packed = std::string_view(tensor.packed.data(), tensor.packed.size() + scratch.size() - before);
  }

  void append_values(const Fields& f, NumberType type) {
    const std::uint32_t unpacked = type == NumberType::f32 ? kFixed32 : type == NumberType::f64 ? kFixed64 : kVarint;
    if (f.wire() != kBytes && f.wire() != unpacked) {
      throw Malformed{fmt::format("wire type {}, expected 2 (packed) or {}", f.wire(), static_cast<std::uint32_t>(unpacked))};
    }
    if (f.wire() == kVarint) {
      protozero::add_varint_to_buffer(&record_.scratch, f.varint());
    } else {
      record_.scratch.append(f.bytes());
    }
  }

  static void append_numbers(const Fields& f, std::vector<std::uint64_t>& numbers) {
    if (f.wire() == kVarint) {
      numbers.push_back(f.varint());
      return;
    }
    const std::string_view run = f.expect_bytes();
    const char* const end = run.data() + run.size();
    for (const char* at = run.data(); at != end;) numbers.push_back(protozero::decode_varint(&at, end));
  }

  std::string_view payload_, wanted_, features_, label_;
  Record& record_;
  const char* map_ = "";
  std::string_view entry_;
  const char* tensor_ = "";
  const char* field_ = "";
};

[[noreturn]] void refuse(std::string_view where, const Decoder& decoder, std::string_view what) {
  throw user_error("{}{}{}: {}; expected a Record message of package aialgs.data", where, where.empty() ? "" : ": ",
                   decoder.path(), what);
}

void append_varint(std::string& out, std::uint64_t value) { protozero::add_varint_to_buffer(&out, value); }

std::size_t varint_size(std::uint64_t value) { return static_cast<std::size_t>(protozero::length_of_varint(value)); }

// Tag and length of a length-delimited field below 16.
void append_head(std::string& out, unsigned field, std::size_t length) {
  out.push_back(static_cast<char>(field << 3 | kBytes));
  append_varint(out, length);
}
std::size_t field_size(std::size_t length) { return 1 + varint_size(length) + length; }
std::size_t packed_size(std::size_t length) { return length == 0 ? 0 : field_size(length); }

// Sizes of the nested messages, inside out: a length stands before what it measures.
struct Lengths {
  std::size_t keys = 0, shape = 0, tensor = 0, value = 0, entry = 0;
  Lengths(std::string_view name, std::span<const float> values, const SparseValues* sparse) {
    if (sparse != nullptr) {
      for (const std::uint32_t key : sparse->keys) keys += varint_size(key);
      shape = varint_size(sparse->dim);
    }
    tensor = packed_size(values.size_bytes()) + packed_size(keys) + packed_size(shape);
    value = field_size(tensor);
    entry = field_size(name.size()) + field_size(value);
  }
};

void append_entry(std::string& out, unsigned field, std::string_view name, std::span<const float> values,
                  const SparseValues* sparse) {
  const Lengths lengths(name, values, sparse);
  append_head(out, field, lengths.entry);
  append_head(out, 1, name.size());
  out.append(name);
  append_head(out, 2, lengths.value);
  append_head(out, 2, lengths.tensor);
  if (!values.empty()) {
    append_head(out, 1, values.size_bytes());
    out.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  }
  if (lengths.keys > 0) {
    append_head(out, 2, lengths.keys);
    for (const std::uint32_t key : sparse->keys) append_varint(out, key);
  }
  if (lengths.shape > 0) {
    append_head(out, 3, lengths.shape);
    append_varint(out, sparse->dim);
  }
}

std::size_t convert_f64(const char* from, std::size_t count, float* out) {
  std::size_t bad = 0;
  for (std::size_t i = 0; i < count; ++i) {
    double value;
    std::memcpy(&value, from + 8 * i, 8);
    out[i] = static_cast<float>(value);
    bad += std::isfinite(out[i]) ? 0 : 1;
  }
  return bad;
}

void convert_i32(std::string_view packed, float* out) {
  const char* const end = packed.data() + packed.size();
  for (const char* at = packed.data(); at != end; ++out) {
    *out = static_cast<float>(static_cast<std::int32_t>(protozero::decode_varint(&at, end)));
  }
}

}  // namespace

const char* name_of(NumberType type) {
  switch (type) {
    case NumberType::f32: return "float32_tensor";
    case NumberType::f64: return "float64_tensor";
    case NumberType::i32: return "int32_tensor";
    case NumberType::bytes: return "bytes";
    case NumberType::none: break;
  }
  return "none";
}

void decode_record(std::span<const char> payload, std::string_view where, Record& record, std::string_view key) {
  Decoder decoder(std::string_view(payload.data(), payload.size()), key, record);
  try {
    decoder.run();
  } catch (const Malformed& e) {
    refuse(where, decoder, e.what);
  } catch (const protozero::varint_too_long_exception&) {
    refuse(where, decoder, "a varint of more than ten bytes");
  } catch (const protozero::exception&) {
    refuse(where, decoder, "the bytes end inside a varint");
  }
}

std::size_t copy_float32(const char* from, std::size_t count, float* out) {
  // Branch-free and on integers, so that it becomes vector code: a number is finite unless its exponent bits are all ones.
  std::uint32_t bad = 0;
  for (std::size_t i = 0; i < count; ++i) {
    std::int32_t bits;
    std::memcpy(&bits, from + 4 * i, 4);
    std::memcpy(out + i, &bits, 4);
    bad += (bits & 0x7fffffff) > 0x7f7fffff ? 1 : 0;
  }
  return bad;
}

std::size_t to_float32(const Tensor& tensor, float* out) {
  switch (tensor.type) {
    case NumberType::f32: return copy_float32(tensor.packed.data(), tensor.values, out);
    case NumberType::f64: return convert_f64(tensor.packed.data(), tensor.values, out);
    case NumberType::i32: convert_i32(tensor.packed, out); return 0;
    default: return 0;
  }
}

bool exceeds_float32(const Tensor& tensor) {
  if (tensor.type != NumberType::i32) return false;
  constexpr std::int32_t kExact = 1 << 24;
  const char* at = tensor.packed.data();
  for (const char* const end = at + tensor.packed.size(); at != end;) {
    const auto value = static_cast<std::int32_t>(protozero::decode_varint(&at, end));
    if (value > kExact || value < -kExact) return true;
  }
  return false;
}

double value_at(const Tensor& tensor, std::size_t index) {
  if (tensor.type == NumberType::f32) {
    float value;
    std::memcpy(&value, tensor.packed.data() + 4 * index, 4);
    return static_cast<double>(value);
  }
  if (tensor.type == NumberType::f64) {
    double value;
    std::memcpy(&value, tensor.packed.data() + 8 * index, 8);
    return value;
  }
  const char* at = tensor.packed.data();
  const char* const end = at + tensor.packed.size();
  for (; index > 0; --index) protozero::decode_varint(&at, end);
  return static_cast<double>(static_cast<std::int32_t>(protozero::decode_varint(&at, end)));
}

void append_record(std::string& out, std::span<const float> features, const SparseValues* sparse, std::span<const float> label) {
  append_entry(out, 1, "values", features, sparse);
  if (!label.empty()) append_entry(out, 2, "values", label, nullptr);
}

void append_integer_record(std::string& out, std::span<const NamedIntegers> features) {
  for (const NamedIntegers& entry : features) {
    std::size_t packed = 0;
    // Negative integers are written as 64 bits, as protobuf does.
    for (const std::int32_t value : entry.values) packed += varint_size(static_cast<std::uint64_t>(std::int64_t{value}));
    const std::size_t tensor = packed_size(packed), value = field_size(tensor);
    append_head(out, 1, field_size(entry.name.size()) + field_size(value));
    append_head(out, 1, entry.name.size());
    out.append(entry.name);
    append_head(out, 2, value);
    append_head(out, 7, tensor);
    if (packed > 0) append_head(out, 1, packed);
    for (const std::int32_t number : entry.values) append_varint(out, static_cast<std::uint64_t>(std::int64_t{number}));
  }
}

bool to_int32(const Tensor& tensor, std::vector<std::int32_t>& out) {
  if (tensor.type == NumberType::i32) {
    const char* at = tensor.packed.data();
    for (const char* const end = at + tensor.packed.size(); at != end;)
      out.push_back(static_cast<std::int32_t>(protozero::decode_varint(&at, end)));
    return true;
  }
  for (std::size_t i = 0; i < tensor.values; ++i) {
    const double value = value_at(tensor, i);
    if (!(std::abs(value) <= 0x7FFFFFFF) || value != std::floor(value)) return false;
    out.push_back(static_cast<std::int32_t>(value));
  }
  return true;
}

void append_response_record(std::string& out, std::span<const NamedValues> answers) {
  for (const NamedValues& answer : answers) append_entry(out, 2, answer.name, answer.values, nullptr);
}

}  // namespace smtrain::formats::recordio
