#include "formats/text/line_count.h"

#include <algorithm>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace smtrain::formats {
namespace {

LineCount count_bytewise(const char* p, const char* end, const char* last) {
  LineCount count;
  for (; p != end; ++p) {
    if (*p != '\n') continue;
    ++count.lines;
    if (p + 1 != last && may_begin_blank_line(p[1])) ++count.suspicious;
  }
  return count;
}

}  // namespace

LineCount count_lines(const char* p, const char* end) {
  LineCount count;
  const char* const last = end;
#if defined(__SSE2__)
  const __m128i line_feed = _mm_set1_epi8('\n'), space = _mm_set1_epi8(' '), zero = _mm_setzero_si128();
  while (end - p >= 17) {
    // Byte counters overflow after 255 steps.
    const std::size_t steps = std::min<std::size_t>(255, static_cast<std::size_t>(end - p - 1) / 16);
    __m128i lines = zero, suspicious = zero;
    for (std::size_t i = 0; i < steps; ++i, p += 16) {
      const __m128i here = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
      const __m128i next = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 1));
      const __m128i is_end = _mm_cmpeq_epi8(here, line_feed);
      const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(next, space), next);
      lines = _mm_sub_epi8(lines, is_end);
      suspicious = _mm_sub_epi8(suspicious, _mm_and_si128(is_end, low));
    }
    const __m128i sums = _mm_sad_epu8(lines, zero), doubts = _mm_sad_epu8(suspicious, zero);
    count.lines += static_cast<std::size_t>(_mm_cvtsi128_si64(sums) + _mm_cvtsi128_si64(_mm_unpackhi_epi64(sums, sums)));
    count.suspicious += static_cast<std::size_t>(_mm_cvtsi128_si64(doubts) + _mm_cvtsi128_si64(_mm_unpackhi_epi64(doubts, doubts)));
  }
#endif
  const LineCount rest = count_bytewise(p, end, last);
  return {count.lines + rest.lines, count.suspicious + rest.suspicious};
}

}  // namespace smtrain::formats
