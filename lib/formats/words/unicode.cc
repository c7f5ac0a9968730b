#include "formats/words/unicode.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace smtrain::formats {
namespace {

struct KindRange {
  char32_t first, last;
  CharacterKind kind;
};
struct LowerRange {
  char32_t first, last;
  std::uint32_t step;
  std::int32_t distance;
};
#include "formats/words/unicode_tables.inc"

template <class Range, std::size_t n>
constexpr const Range* range_of(const Range (&ranges)[n], char32_t c) {
  const Range* const found =
      std::lower_bound(std::begin(ranges), std::end(ranges), c, [](const Range& r, char32_t at) { return r.last < at; });
  return found != std::end(ranges) && found->first <= c ? found : nullptr;
}

CharacterKind look_up(char32_t c) {
  const KindRange* const range = range_of(kKindRanges, c);
  return range == nullptr ? CharacterKind::none : range->kind;
}

// Most text is of these.
const std::array<CharacterKind, 0x600> kCommonKinds = [] {
  std::array<CharacterKind, 0x600> kinds{};
  for (char32_t c = 0; c < kinds.size(); ++c) kinds[c] = look_up(c);
  return kinds;
}();

// Bytes of the sequence that a first byte announces; 0: none begins with it.
std::size_t announced(unsigned char first) {
  return first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
}

bool legal(char32_t c, std::size_t bytes) {
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  return c >= kLeast[bytes] && c < 0x110000 && (c < 0xD800 || c >= 0xE000);
}

// 0 when text does not begin with a character.
std::size_t decode(std::string_view text, char32_t& c) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t bytes = announced(first);
  if (bytes == 0 || text.size() < bytes) return 0;
  c = bytes == 1 ? first : first & (0xFFu >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0) != 0x80) return 0;
    c = c << 6 | (next & 0x3F);
  }
  return legal(c, bytes) ? bytes : 0;
}

}  // namespace

char32_t next_character(std::string_view& text) {
  char32_t c = kReplacement;
  const std::size_t bytes = decode(text, c);
  text.remove_prefix(std::max<std::size_t>(bytes, 1));
  return bytes == 0 ? kReplacement : c;
}

void append_character(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
    return;
  }
  const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  out += static_cast<char>((0xFF00u >> (more + 1) & 0xFF) | c >> (6 * more));
  for (int shift = 6 * (more - 1); shift >= 0; shift -= 6) out += static_cast<char>(0x80 | (c >> shift & 0x3F));
}

CharacterKind kind_of(char32_t c) { return c < kCommonKinds.size() ? kCommonKinds[c] : look_up(c); }

char32_t lower_of(char32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  const LowerRange* const range = range_of(kLowerRanges, c);
  if (range == nullptr || (c - range->first) % range->step != 0) return c;
  return static_cast<char32_t>(static_cast<std::int32_t>(c) + range->distance);
}

std::string lower_case(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    char32_t c = kReplacement;
    const std::size_t bytes = decode(text, c);
    if (bytes == 0) out += text.front();
    else append_character(out, lower_of(c));
    text.remove_prefix(std::max<std::size_t>(bytes, 1));
  }
  return out;
}

}  // namespace smtrain::formats
