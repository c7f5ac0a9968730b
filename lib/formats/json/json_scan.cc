#include "formats/json/json_scan.h"

#include <charconv>
#include <cstring>

#include "formats/text/number.h"

namespace smtrain::formats {
namespace {

bool is_digit(char c) { return static_cast<unsigned char>(c - '0') <= 9; }

// Where the number at p ends: at a comma, a bracket or a blank.
[[gnu::always_inline]] inline const char* number_end(const char* p, const char* end) {
#if defined(__SSE2__)
  const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  // ] and } differ in one bit.
  const __m128i close = _mm_cmpeq_epi8(_mm_or_si128(text, _mm_set1_epi8(0x20)), _mm_set1_epi8('}'));
  const __m128i blank = _mm_cmpeq_epi8(_mm_min_epu8(text, _mm_set1_epi8(' ')), text);
  const __m128i stop = _mm_or_si128(_mm_or_si128(close, blank), _mm_cmpeq_epi8(text, _mm_set1_epi8(',')));
  const int mask = _mm_movemask_epi8(stop);
  if (mask != 0) [[likely]] return p + __builtin_ctz(static_cast<unsigned>(mask));
  p += 16;
#endif
  while (p < end && *p != ',' && *p != ']' && *p != '}' && static_cast<unsigned char>(*p) > ' ') ++p;
  return p;
}

// What JSON asks beyond what parse_number takes: a digit at both ends and at both sides of the point, no leading zero.
bool is_json_number(const char* p, const char* last) {
  if (p != last && *p == '-') ++p;
  if (p == last || !is_digit(*p) || !is_digit(last[-1])) return false;
  if (*p == '0' && last - p > 1 && is_digit(p[1])) return false;
  while (is_digit(*p) && ++p != last) {
  }
  return p == last || *p != '.' || is_digit(p[1]);
}

class Scanner {
 public:
  Scanner(std::string_view text, ScannedInstance& out) : p_(text.data()), end_(p_ + text.size()), out_(out) {}

  bool instance() {
    enum : unsigned { features = 1, label = 2, weight = 4, qid = 8 };
    unsigned seen = 0;
    const bool well = object([&](std::string_view name) {
      const unsigned member = name == "features" || name == "data" ? features
                              : name == "label"                    ? label
                              : name == "weight"                   ? weight
                              : name == "qid"                      ? qid
                                                                   : 0u;
      if (member == 0 || (seen & member) != 0) return false;
      seen |= member;
      switch (member) {
        case features:
          out_.nested = name == "data";
          return out_.nested ? object([&](std::string_view inner) { return inner == "features" && list_or_tensor(); }) : list_or_tensor();
        case label: return out_.has_label = at('[') ? numbers(out_.labels) : one_label();
        case weight: return out_.has_weight = number(out_.weight);
        default: return out_.has_qid = integer(out_.qid);
      }
    });
    blanks();
    return well && p_ == end_ && (seen & features) != 0;
  }

 private:
  bool at(char c) const { return p_ < end_ && *p_ == c; }
  bool take(char c) {
    if (!at(c)) return false;
    ++p_;
    return true;
  }
  void blanks() {
    while (p_ < end_ && (*p_ == ' ' || *p_ == '\t' || *p_ == '\r' || *p_ == '\n')) ++p_;
  }

  // The members of the object at hand, whose values `member` reads; false when it does, or at anything that is no object.
  template <class Member>
  bool object(Member&& member) {
    blanks();
    if (!take('{')) return false;
    for (;;) {
      blanks();
      if (!take('"')) return false;
      const auto* quote = static_cast<const char*>(std::memchr(p_, '"', static_cast<std::size_t>(end_ - p_)));
      if (quote == nullptr) return false;
      const std::string_view name(p_, static_cast<std::size_t>(quote - p_));
      p_ = quote + 1;
      blanks();
      if (!take(':')) return false;
      blanks();
      if (!member(name)) return false;
      blanks();
      if (take('}')) return true;
      if (!take(',')) return false;
    }
  }

  bool list_or_tensor() {
    out_.tensor = at('{');
    if (!out_.tensor) return numbers(out_.values);
    enum : unsigned { values = 1, keys = 2, shape = 4 };
    unsigned seen = 0;
    const bool well = object([&](std::string_view name) {
      const unsigned member = name == "values" ? values : name == "keys" ? keys : name == "shape" ? shape : 0u;
      if (member == 0 || (seen & member) != 0) return false;
      seen |= member;
      return member == values ? numbers(out_.values) : integers(member == keys ? out_.keys : out_.shape);
    });
    return well && (seen & values) != 0;
  }

  template <class Item>
  bool list(Item&& item) {
    if (!take('[')) return false;
    blanks();
    if (take(']')) return true;
    for (;;) {
      if (!item()) return false;
      blanks();
      if (take(']')) return true;
      if (!take(',')) return false;
      blanks();
    }
  }

  // Rows of a file are as long as those before: the memory of the last one is filled first.
  bool numbers(std::vector<float>& out) {
    out.resize(out.capacity());
    std::size_t count = 0;
    const bool well = list([&] {
      if (count == out.size()) out.resize(2 * count + 16);
      return number(out[count++]);
    });
    out.resize(count);
    return well;
  }

  bool integers(std::vector<std::uint64_t>& out) {
    return list([&] { return integer(out.emplace_back()); });
  }

  bool one_label() {
    out_.labels.resize(1);
    return number(out_.labels[0]);
  }

  bool number(float& value) {
    if (p_ >= end_) return false;
    const char* const last = number_end(p_, end_);
    if (last > end_ || !is_json_number(p_, last)) return false;
    const auto length = static_cast<std::size_t>(last - p_);
    if (!scan_field(p_, length, value) && parse_number(p_, last, value) != NumberStatus::ok) return false;
    p_ = last;
    return true;
  }

  bool integer(std::uint64_t& value) {
    if (p_ >= end_ || !is_digit(*p_)) return false;
    const char* const first = p_;
    const auto [last, error] = std::from_chars(p_, end_, value);
    if (error != std::errc() || (*first == '0' && last - first > 1)) return false;
    p_ = last;
    return p_ < end_ && (*p_ == ',' || *p_ == ']' || *p_ == '}' || static_cast<unsigned char>(*p_) <= ' ');
  }

  const char* p_;
  const char* const end_;
  ScannedInstance& out_;
};

}  // namespace

bool scan_instance(std::string_view text, ScannedInstance& out) {
  out.nested = out.tensor = out.has_label = out.has_weight = out.has_qid = false;
  out.values.clear();
  out.labels.clear();
  out.keys.clear();
  out.shape.clear();
  return Scanner(text, out).instance();
}

}  // namespace smtrain::formats
