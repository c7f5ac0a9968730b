// Separators: where fields end, found 64 bytes at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace smtrain::formats {

/// Walks over the delimiters and line ends of a text, quotes unseen. Reads nothing beyond the end.
class Separators {
 public:
  Separators(char delimiter, const char* first, const char* end) : delimiter_(delimiter), end_(end) { restart(first); }

  /// Goes on at p.
  void restart(const char* p) {
    window_ = p;
    mask_ = look(p);
  }

  /// The next delimiter or line end; the end of the text when there is none.
  const char* next() {
    while (mask_ == 0) {
      if (static_cast<std::size_t>(end_ - window_) <= kWindow) return end_;
      window_ += kWindow;
      mask_ = look(window_);
    }
    const char* found = window_ + __builtin_ctzll(mask_);
    mask_ &= mask_ - 1;
    return found;
  }

 private:
  static constexpr std::size_t kWindow = 64;

  // A bit for each of the 64 bytes at p that separates.
  std::uint64_t look(const char* p) const {
#if defined(__SSE2__)
    if (static_cast<std::size_t>(end_ - p) >= kWindow) [[likely]] {
      const __m128i delimiter = _mm_set1_epi8(delimiter_), line = _mm_set1_epi8('\n');
      std::uint64_t mask = 0;
      for (int i = 0; i < 4; ++i) {
        const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16 * i));
        const __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(text, delimiter), _mm_cmpeq_epi8(text, line));
        mask |= static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(hit))) << (16 * i);
      }
      return mask;
    }
#endif
    std::uint64_t mask = 0;
    const std::size_t left = static_cast<std::size_t>(end_ - p);
    for (std::size_t i = 0; i < (left < kWindow ? left : kWindow); ++i) {
      mask |= static_cast<std::uint64_t>(p[i] == delimiter_ || p[i] == '\n') << i;
    }
    return mask;
  }

  const char delimiter_;
  const char* window_ = nullptr;
  const char* const end_;
  std::uint64_t mask_ = 0;
};

}  // namespace smtrain::formats
