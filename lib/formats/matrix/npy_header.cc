#include "formats/matrix/npy_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "formats/content_type.h"

namespace smtrain::formats {
namespace {

constexpr std::string_view kMagic{"\x93NUMPY", 6};
constexpr std::size_t kMaxHeader = std::size_t{64} << 10;
constexpr std::size_t kWritten = 128;

struct TypeFacts {
  NpyType type;
  const char* name;
  std::size_t size;
};

constexpr TypeFacts kTypes[] = {{NpyType::f4, "<f4", 4}, {NpyType::f8, "<f8", 8}, {NpyType::i1, "|i1", 1}, {NpyType::i2, "<i2", 2},
                                {NpyType::i4, "<i4", 4}, {NpyType::i8, "<i8", 8}, {NpyType::u1, "|u1", 1}, {NpyType::u2, "<u2", 2},
                                {NpyType::u4, "<u4", 4}, {NpyType::u8, "<u8", 8}, {NpyType::boolean, "|b1", 1}};

const TypeFacts& facts_of(NpyType type) {
  return *std::find_if(std::begin(kTypes), std::end(kTypes), [&](const TypeFacts& f) { return f.type == type; });
}

// The dictionary as Python writes it: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
class Dictionary {
 public:
  explicit Dictionary(std::string_view text) : text_(text) {}

  void read(NpyHeader& header) {
    expect('{');
    for (blanks(); !take('}'); blanks()) {
      const std::string key(string());
      expect(':');
      blanks();
      if (key == "descr") header.type = type();
      else if (key == "fortran_order") header.fortran_order = boolean();
      else if (key == "shape") shape(header);
      else throw user_error("header: {} is no key of an array; expected descr, fortran_order and shape", quoted(key));
      ++keys_;
      blanks();
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    if (keys_ != 3) throw user_error("header: {} keys; expected descr, fortran_order and shape", keys_);
  }

 private:
  void blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    blanks();
    if (!take(c)) throw user_error("header: {} at byte {} of it; expected '{}'", quoted(text_.substr(at_, 10)), at_, c);
  }
  std::string_view string() {
    const char quote = at_ < text_.size() && text_[at_] == '"' ? '"' : '\'';
    expect(quote);
    const std::size_t end = std::min(text_.find(quote, at_), text_.size());
    const std::string_view found = text_.substr(at_, end - at_);
    at_ = end;
    expect(quote);
    return found;
  }
  NpyType type() {
    if (at_ < text_.size() && text_[at_] == '[') throw user_error("descr: a structured array; expected an array of plain numbers");
    const std::string_view name = string();
    for (const TypeFacts& f : kTypes) {
      if (name == f.name || (f.size == 1 && name.size() == 3 && name.substr(1) == std::string_view(f.name + 1))) return f.type;
    }
    throw user_error("descr: {}; expected one of <f4, <f8, |i1, <i2, <i4, <i8, |u1, <u2, <u4, <u8, |b1 (numpy: a.astype('<f4'))", quoted(name));
  }
  bool boolean() {
    const std::string_view rest = text_.substr(at_);
    const bool yes = rest.starts_with("True");
    if (!yes && !rest.starts_with("False")) throw user_error("fortran_order: {}; expected True or False", quoted(rest.substr(0, 10)));
    at_ += yes ? 4 : 5;
    return yes;
  }
  void shape(NpyHeader& header) {
    std::vector<std::uint64_t> dims;
    expect('(');
    for (blanks(); !take(')'); blanks()) {
      std::uint64_t dim = 0;
      const char* const first = text_.data() + at_;
      const auto [end, error] = std::from_chars(first, text_.data() + text_.size(), dim);
      if (error != std::errc()) throw user_error("shape: {}; expected whole numbers", quoted(text_.substr(at_, 10)));
      at_ += static_cast<std::size_t>(end - first);
      take('L');
      dims.push_back(dim);
      blanks();
      if (!take(',')) {
        expect(')');
        break;
      }
    }
    if (dims.size() != 1 && dims.size() != 2) {
      throw user_error("shape: {} dimensions; expected 2 (rows, columns), or 1 for a column (numpy: a.reshape(len(a), -1))", dims.size());
    }
    header.rows = dims[0];
    header.cols = dims.size() == 2 ? dims[1] : 1;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int keys_ = 0;
};

}  // namespace

std::size_t size_of(NpyType type) { return facts_of(type).size; }

const char* name_of(NpyType type) { return facts_of(type).name; }

std::optional<NpyHeader> read_npy_header(std::span<const char> bytes) {
  const std::string_view text(bytes.data(), bytes.size());
  if (!text.starts_with(kMagic.substr(0, std::min(text.size(), kMagic.size())))) {
    throw user_error("looks like {}; expected a NumPy array (.npy)", describe_content(bytes));
  }
  if (text.size() < 12) return std::nullopt;
  const auto version = static_cast<unsigned char>(text[6]);
  if (version < 1 || version > 3) throw user_error("version {} of the format; expected 1, 2 or 3", version);
  std::uint32_t length = 0;
  const std::size_t length_bytes = version == 1 ? 2 : 4, start = 8 + length_bytes;
  std::memcpy(&length, text.data() + 8, length_bytes);
  if (length > kMaxHeader) throw user_error("a header of {} bytes; expected at most {}", length, kMaxHeader);
  if (text.size() < start + length) return std::nullopt;
  NpyHeader header;
  header.bytes = start + length;
  Dictionary(text.substr(start, length)).read(header);
  std::uint64_t size = 0;
  if (__builtin_mul_overflow(header.rows, header.cols, &size) || __builtin_mul_overflow(size, size_of(header.type), &size) ||
      __builtin_add_overflow(size, header.bytes, &size)) {
    throw user_error("shape: {} x {} numbers are beyond 64 bits", header.rows, header.cols);
  }
  return header;
}

std::string npy_header(std::uint64_t rows, std::uint64_t cols) { return npy_header(NpyType::f4, rows, cols); }

std::string npy_header(NpyType type, std::uint64_t rows, std::uint64_t cols) {
  std::string header(kMagic);
  header += std::string_view("\x01\x00", 2);
  header += static_cast<char>(kWritten - 10);
  header += '\0';
  const std::string shape = cols == 0 ? fmt::format("{},", rows) : fmt::format("{}, {}", rows, cols);
  header += fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", name_of(type), shape);
  header.resize(kWritten - 1, ' ');
  header += '\n';
  return header;
}

}  // namespace smtrain::formats
