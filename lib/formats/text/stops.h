// Stops: where the fields of a text end, found 64 bytes at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace smtrain::formats {

/// Walks over the bytes of a text at which a field ends. Reads nothing beyond the end.
///
/// EndsField tells which bytes these are: `bool operator()(char) const`, and, where there is SSE2, `__m128i operator()(__m128i)
/// const` with all bits of a byte set for each that is one.
template <class EndsField>
class Stops {
 public:
  Stops(EndsField ends_field, const char* first, const char* end) : ends_field_(ends_field), end_(end) { restart(first); }

  /// Goes on at p.
  void restart(const char* p) {
    window_ = p;
    mask_ = look(p);
    dense_ = __builtin_popcountll(mask_) >= kDense;
  }

  /// The next byte that ends a field; the end of the text when there is none.
  const char* next() {
    while (mask_ == 0) {
      if (static_cast<std::size_t>(end_ - window_) <= kWindow) return end_;
      restart(window_ + kWindow);
    }
    const char* found = window_ + __builtin_ctzll(mask_);
    mask_ &= mask_ - 1;
    return found;
  }

  /// Whether every other one of the 16 bytes at p, from the second on, ends a field and no other does. Looked for only where fields are
  /// so short that it is likely: elsewhere it would cost more than it saves.
  bool every_other(const char* p) const {
    if (!dense_) return false;
    const std::size_t at = static_cast<std::size_t>(p - window_);
    return at <= kWindow - 16 && ((mask_ >> at) & 0xFFFF) == 0xAAAA;
  }
  /// Passes over those 16 bytes.
  void pass_every_other() {
    for (int i = 0; i < 8; ++i) mask_ &= mask_ - 1;
  }

 private:
  static constexpr std::size_t kWindow = 64;
  static constexpr int kDense = 22;  // ends of a window, of 32 that there can be of one character

  // A bit for each of the 64 bytes at p that ends a field.
  std::uint64_t look(const char* p) const {
#if defined(__SSE2__)
    if (static_cast<std::size_t>(end_ - p) >= kWindow) [[likely]] {
      std::uint64_t mask = 0;
      for (int i = 0; i < 4; ++i) {
        const __m128i hit = ends_field_(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16 * i)));
        mask |= static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(hit))) << (16 * i);
      }
      return mask;
    }
#endif
    std::uint64_t mask = 0;
    const std::size_t left = static_cast<std::size_t>(end_ - p);
    for (std::size_t i = 0; i < (left < kWindow ? left : kWindow); ++i) mask |= static_cast<std::uint64_t>(ends_field_(p[i])) << i;
    return mask;
  }

  const EndsField ends_field_;
  const char* window_ = nullptr;
  const char* const end_;
  std::uint64_t mask_ = 0;
  bool dense_ = false;
};

/// A delimiter or the end of the line, quotes unseen.
struct EndsCsvField {
  char delimiter;
  bool operator()(char c) const { return c == delimiter || c == '\n'; }
#if defined(__SSE2__)
  __m128i operator()(__m128i text) const {
    return _mm_or_si128(_mm_cmpeq_epi8(text, _mm_set1_epi8(delimiter)), _mm_cmpeq_epi8(text, _mm_set1_epi8('\n')));
  }
#endif
};

/// What may stand behind a number of JSON: a comma, a closing bracket or brace, a blank.
struct EndsJsonNumber {
  bool operator()(char c) const { return c == ',' || c == ']' || c == '}' || static_cast<unsigned char>(c) <= ' '; }
#if defined(__SSE2__)
  __m128i operator()(__m128i text) const {
    // ] and } differ in one bit.
    const __m128i close = _mm_cmpeq_epi8(_mm_or_si128(text, _mm_set1_epi8(0x20)), _mm_set1_epi8('}'));
    const __m128i blank = _mm_cmpeq_epi8(_mm_min_epu8(text, _mm_set1_epi8(' ')), text);
    return _mm_or_si128(_mm_or_si128(close, blank), _mm_cmpeq_epi8(text, _mm_set1_epi8(',')));
  }
#endif
};

}  // namespace smtrain::formats
