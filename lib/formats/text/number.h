// Numbers in text to float32: a digit loop for what people write, fast_float for the rest, the same bits from both.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace smtrain::formats {

enum class NumberStatus {
  ok,
  not_finite,     ///< the text says nan or inf; `value` is that
  too_large,      ///< a number beyond float32
  not_a_number,
};

/// Reads [first, last) as one decimal number in the C locale: optional sign, digits with or without a point, optional
/// exponent; no blanks. Rounds correctly to the nearest float32; what is too small becomes a subnormal or a signed zero.
/// "nan", "inf" and "infinity" in any case are recognised as such.
NumberStatus parse_number(const char* first, const char* last, float& value);

/// Bytes that must be readable from the first one for scan_field.
inline constexpr std::size_t kNumberReach = 64;

/// The quick way for a field [p, p + length) that is a decimal of at most 19 significant digits: sets `value` to what
/// parse_number gives for it. False when it takes parse_number to know. kNumberReach bytes must be readable at p.
inline bool scan_field(const char* p, std::size_t length, float& value);

/// Fields of one digit that scan_digit_fields takes at once.
inline constexpr std::size_t kDigitFields = 8;

/// Sets `values` to kDigitFields numbers when so many fields of one digit stand at p, each with the delimiter behind it; else false.
/// kNumberReach bytes must be readable at p.
inline bool scan_digit_fields(const char* p, char delimiter, float* values);

/// Whether [first, last), which parse_number takes and which is finite, is a number of JSON too: no plus, a digit at both ends
/// and on both sides of the point, no leading zero.
bool is_json_number(const char* first, const char* last);

/// scan_field for a number of JSON; false also for what is_json_number is false for.
inline bool scan_json_number(const char* p, std::size_t length, float& value);

namespace number_detail {

inline constexpr int kMaxPower = 64;

/// 10^-64 … 10^64, each the nearest double.
extern const std::array<double, 2 * kMaxPower + 1> kPowers;

inline constexpr std::array<std::uint64_t, 9> kSmallPowers = {1,      10,      100,      1000,     10000,
                                                              100000, 1000000, 10000000, 100000000};

/// Eight bytes at p, digits as 0 … 9.
inline std::uint64_t load_digits(const char* p) {
  std::uint64_t word;
  std::memcpy(&word, p, sizeof word);
  return word ^ 0x3030303030303030u;
}

/// The value of the first `count` of eight loaded digits, 0 … 8 of them.
inline std::uint64_t digits_value(std::uint64_t word, unsigned count) {
  word = count == 0 ? 0 : word << (64 - 8 * count);  // leading zeros instead of what follows
  word = word * 10 + (word >> 8);
  const std::uint64_t mask = 0x000000FF000000FFu;
  return ((word & mask) * 0x000F424000000064u + ((word >> 16) & mask) * 0x0000271000000001u) >> 32;
}

struct Digits {
  std::uint64_t value;
  unsigned count;  // 0 … 8
};

/// The decimal digits that stand at p, up to eight.
inline Digits leading_digits(const char* p) {
  const std::uint64_t word = load_digits(p);
  const std::uint64_t others = ((word + 0x7676767676767676u) | word) & 0x8080808080808080u;
  // A carry from a byte reaches only those after it, and the first that is no digit is all that matters.
  const unsigned count = others == 0 ? 8 : static_cast<unsigned>(__builtin_ctzll(others)) >> 3;
  return {digits_value(word, count), count};
}

/// Adds the digits at p to the mantissa; returns how many there were, up to 24. More than 19 digits wrap around.
inline unsigned append_digits(const char* p, std::uint64_t& mantissa) {
  Digits d = leading_digits(p);
  mantissa = mantissa * kSmallPowers[d.count] + d.value;
  unsigned count = d.count;
  while (d.count == 8 && count < 24) {
    d = leading_digits(p + count);
    mantissa = mantissa * kSmallPowers[d.count] + d.value;
    count += d.count;
  }
  return count;
}

/// The exponent at p, after its letter; sets `exponent` and returns where it ends, or null when there is none or it is long.
inline const char* scan_exponent(const char* p, int& exponent) {
  const bool negative = *p == '-';
  if (negative || *p == '+') ++p;
  const Digits d = leading_digits(p);
  if (d.count == 0 || d.count > 4) return nullptr;
  exponent = negative ? -static_cast<int>(d.value) : static_cast<int>(d.value);
  return p + d.count;
}

/// d, which is off by less than 8 units in its last place, to float32 with a sign; false when its digits must decide.
inline bool round_once(double d, bool negative, float& value) {
  std::uint64_t bits;
  std::memcpy(&bits, &d, sizeof bits);
  // A float keeps 29 bits less. Near the midpoint of two floats rounding twice could differ from rounding once.
  if ((bits & 0x1FFFFFFFu) - (0x10000000u - 8) <= 16) return false;
  const float rounded = static_cast<float>(d);
  std::uint32_t out;
  std::memcpy(&out, &rounded, sizeof out);
  out |= static_cast<std::uint32_t>(negative) << 31;
  std::memcpy(&value, &out, sizeof value);
  return true;
}

/// mantissa × 10^power to float32; false when rounding twice could differ from rounding once.
inline bool scale(std::uint64_t mantissa, int power, bool negative, float& value) {
  if (power < -kMaxPower || power > kMaxPower) return false;
  // Three roundings: the mantissa, the power, the product; together less than 4 units in the last place of the double.
  const double d = static_cast<double>(mantissa) * kPowers[static_cast<std::size_t>(power + kMaxPower)];
  if (mantissa != 0 && !(d >= 0x1p-125 && d < 0x1p127)) return false;
  return round_once(d, negative, value);
}

/// Any form that scan_field takes, a step at a time; returns where the number ends, or null.
inline const char* scan_long(const char* p, float& value) {
  const bool negative = *p == '-';
  p += negative;
  std::uint64_t mantissa = 0;
  const unsigned whole = append_digits(p, mantissa);
  if (whole > 19) return nullptr;
  unsigned digits = mantissa == 0 ? 0 : whole;
  p += whole;
  int power = 0;
  if (*p == '.') {
    const unsigned fraction = append_digits(++p, mantissa);
    p += fraction;
    digits += fraction;
    if (digits > 19 || whole + fraction == 0) return nullptr;
    power = -static_cast<int>(fraction);
  } else if (whole == 0) {
    return nullptr;
  }
  if ((*p | 0x20) == 'e') {
    int exponent = 0;
    p = scan_exponent(p + 1, exponent);
    if (p == nullptr) return nullptr;
    power += exponent;
  }
  return scale(mantissa, power, negative, value) ? p : nullptr;
}

#if defined(__SSE2__)

/// The usual field: at most 15 characters, no exponent, at most 8 digits before the point.
struct ShortDecimal {
  unsigned negative;  ///< 1 or 0: characters before the first digit
  unsigned point;     ///< where it stands, when there is one
  unsigned whole, fraction;
  bool decimal;       ///< there is a point
};

/// One look at 16 bytes finds the point and whatever else is no digit; false when the field is not of this kind.
[[gnu::always_inline]] inline bool is_short_decimal(const char* p, std::size_t length, ShortDecimal& d) {
  if (length - 1 >= 15) [[unlikely]] return false;
  const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m128i shifted = _mm_sub_epi8(text, _mm_set1_epi8('0'));
  const __m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(shifted, _mm_set1_epi8(9)), shifted);
  d.negative = *p == '-';
  const unsigned inside = (1u << length) - 1;
  const unsigned others = ~static_cast<unsigned>(_mm_movemask_epi8(is_digit)) & inside & ~d.negative;
  // Bit 16 stands for a point that is not there.
  d.point = static_cast<unsigned>(__builtin_ctz(others | 1u << 16));
  d.decimal = others != 0;
  d.whole = (d.decimal ? d.point : static_cast<unsigned>(length)) - d.negative;
  d.fraction = d.decimal ? static_cast<unsigned>(length) - d.point - 1 : 0;
  return (!d.decimal || (p[d.point] == '.' && (others & (others - 1)) == 0)) && d.whole <= 8 && d.whole + d.fraction != 0;
}

[[gnu::always_inline]] inline bool short_value(const char* p, const ShortDecimal& d, float& value) {
  const char* first = p + d.negative;
  std::uint64_t mantissa;
  if (d.whole + d.fraction <= 8) [[likely]] {
    // The digits before the point and, a byte closer, those after it.
    const std::uint64_t before = d.whole < 8 ? (std::uint64_t{1} << (8 * d.whole)) - 1 : ~std::uint64_t{0};
    mantissa = digits_value((load_digits(first) & before) | (load_digits(first + 1) & ~before), d.whole + d.fraction);
  } else {
    // Digits that float32 numbers are written with do not always fit into one word.
    const unsigned near = d.fraction < 8 ? d.fraction : 8, far = d.fraction - near;
    const char* fraction = first + d.whole + 1;
    mantissa = digits_value(load_digits(first), d.whole) * kSmallPowers[near] + digits_value(load_digits(fraction), near);
    mantissa = mantissa * kSmallPowers[far] + digits_value(load_digits(fraction + near), far);
  }
  const double magnitude = static_cast<double>(static_cast<std::int64_t>(mantissa)) * kPowers[kMaxPower - d.fraction];
  return round_once(magnitude, d.negative != 0, value);
}

#endif

}  // namespace number_detail

[[gnu::always_inline]] inline bool scan_digit_fields(const char* p, char delimiter, float* values) {
#if defined(__SSE2__)
  const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m128i shifted = _mm_sub_epi8(text, _mm_set1_epi8('0'));
  const int digits = _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(shifted, _mm_set1_epi8(9)), shifted));
  const int delimiters = _mm_movemask_epi8(_mm_cmpeq_epi8(text, _mm_set1_epi8(delimiter)));
  if ((digits & 0x5555) != 0x5555 || (delimiters & 0xAAAA) != 0xAAAA) return false;
  const __m128i numbers = _mm_and_si128(text, _mm_set1_epi16(0x0F));
  _mm_storeu_ps(values, _mm_cvtepi32_ps(_mm_unpacklo_epi16(numbers, _mm_setzero_si128())));
  _mm_storeu_ps(values + 4, _mm_cvtepi32_ps(_mm_unpackhi_epi16(numbers, _mm_setzero_si128())));
  return true;
#else
  for (std::size_t i = 0; i < kDigitFields; ++i) {
    const unsigned digit = static_cast<unsigned char>(p[2 * i]) - unsigned{'0'};
    if (digit > 9 || p[2 * i + 1] != delimiter) return false;
    values[i] = static_cast<float>(digit);
  }
  return true;
#endif
}

[[gnu::always_inline]] inline bool scan_field(const char* p, std::size_t length, float& value) {
  using namespace number_detail;
#if defined(__SSE2__)
  ShortDecimal d;
  if (is_short_decimal(p, length, d)) [[likely]] return short_value(p, d, value);
#endif
  return scan_long(p, value) == p + length;
}

[[gnu::always_inline]] inline bool scan_json_number(const char* p, std::size_t length, float& value) {
  using namespace number_detail;
#if defined(__SSE2__)
  ShortDecimal d;
  if (is_short_decimal(p, length, d)) [[likely]] {
    const bool well_formed = d.whole != 0 && d.decimal == (d.fraction != 0) && (d.whole == 1 || p[d.negative] != '0');
    return well_formed && short_value(p, d, value);
  }
#endif
  return length != 0 && is_json_number(p, p + length) && scan_long(p, value) == p + length;
}

}  // namespace smtrain::formats
