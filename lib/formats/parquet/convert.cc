#include "formats/parquet/convert.h"

#include <cmath>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "base/error.h"
#include "formats/parquet/value_decoder.h"

namespace smtrain::formats::parquet {
namespace {

constexpr std::int32_t kExact = std::int32_t{1} << 24;  // up to here float32 holds every integer

// Pages hold numbers at any address.
template <class T>
T load(const void* values, std::size_t i) {
  T value;
  std::memcpy(&value, static_cast<const char*>(values) + i * sizeof value, sizeof value);
  return value;
}

// Integers are read whole before they become float32, so that none beyond is missed.
template <class T, class Out>
bool integers(const void* values, std::size_t n, Out* out) {
  std::uint32_t beyond = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const T value = load<T>(values, i);
    out[i] = static_cast<Out>(value);
    if constexpr (sizeof(T) > 2) beyond |= static_cast<std::uint32_t>(value > T{kExact});
    if constexpr (sizeof(T) > 2 && std::is_signed_v<T>) beyond |= static_cast<std::uint32_t>(value < -T{kExact});
  }
  return beyond != 0;
}

template <class T, class Out>
void plain(const void* values, std::size_t n, Out* out) {
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<Out>(load<T>(values, i));
}

double half(std::string_view bytes) {
  const unsigned bits = static_cast<unsigned char>(bytes[0]) | static_cast<unsigned>(static_cast<unsigned char>(bytes[1])) << 8;
  const unsigned exponent = bits >> 10 & 31, fraction = bits & 1023;
  double value = exponent == 0    ? std::ldexp(static_cast<double>(fraction), -24)
                 : exponent == 31 ? (fraction == 0 ? HUGE_VAL : std::nan(""))
                                  : std::ldexp(static_cast<double>(fraction + 1024), static_cast<int>(exponent) - 25);
  return (bits & 0x8000) != 0 ? -value : value;
}

// Big-endian, two's complement, of any length.
double big_endian(std::string_view bytes) {
  double value = 0;
  const bool negative = !bytes.empty() && (bytes[0] & 0x80) != 0;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(negative ? ~c : c);
    value = value * 256 + byte;
  }
  return negative ? -value - 1 : value;
}

// Up to eight bytes exactly, so that decimals come out as their text would.
double unscaled(std::string_view bytes) {
  if (bytes.size() > 8) return big_endian(bytes);
  std::uint64_t value = !bytes.empty() && (bytes[0] & 0x80) != 0 ? ~std::uint64_t{0} : 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return static_cast<double>(static_cast<std::int64_t>(value));
}

double scaled(double value, std::int32_t scale) {
  if (scale == 0) return value;
  return scale > 0 ? value / std::pow(10.0, scale) : value * std::pow(10.0, -scale);
}

template <class Out>
void decimals(const LeafType& type, const void* values, std::size_t n, Out* out) {
  for (std::size_t i = 0; i < n; ++i) {
    double value = 0;
    if (type.type == PhysicalType::int32) value = load<std::int32_t>(values, i);
    else if (type.type == PhysicalType::int64) value = static_cast<double>(load<std::int64_t>(values, i));
    else value = unscaled(static_cast<const std::string_view*>(values)[i]);
    out[i] = static_cast<Out>(scaled(value, type.scale));
  }
}

template <class Out>
bool to_real(const LeafType& type, const void* values, std::size_t n, Out* out) {
  if (type.meaning == Meaning::decimal) {
    decimals(type, values, n, out);
    return false;
  }
  if (type.meaning == Meaning::float16) {
    for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<Out>(half(static_cast<const std::string_view*>(values)[i]));
    return false;
  }
  const bool is_unsigned = type.meaning == Meaning::unsigned_integer;
  switch (type.type) {
    case PhysicalType::boolean: return integers<std::uint8_t>(values, n, out);
    case PhysicalType::int32:
      return is_unsigned ? integers<std::uint32_t>(values, n, out)
                         : integers<std::int32_t>(values, n, out);
    case PhysicalType::int64:
      return is_unsigned ? integers<std::uint64_t>(values, n, out)
                         : integers<std::int64_t>(values, n, out);
    case PhysicalType::float32: plain<float>(values, n, out); return false;
    case PhysicalType::float64: plain<double>(values, n, out); return false;
    default: throw internal_error("a column of type {} is no number", static_cast<int>(type.type));
  }
}

std::int64_t floor_divided(std::int64_t value, std::int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }

// Wraps for times no calendar holds, as nothing checks them.
std::int64_t wrapped_product(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
}

std::int64_t micros(TimeUnit unit, std::int64_t value) {
  return unit == TimeUnit::millis ? wrapped_product(value, 1000) : unit == TimeUnit::micros ? value : floor_divided(value, 1000);
}

std::int64_t micros_of(const Int96& value) {
  constexpr std::int64_t kEpoch = 2440588, kDay = 86'400'000'000;  // Julian day of 1970-01-01
  const auto nanos = static_cast<std::int64_t>(std::uint64_t{value.words[1]} << 32 | value.words[0]);
  return wrapped_product(std::int64_t{value.words[2]} - kEpoch, kDay) + floor_divided(nanos, 1000);
}

}  // namespace

bool is_numeric(Kind kind) { return kind == Kind::boolean || kind == Kind::integer || kind == Kind::number; }

bool to_float32(const LeafType& type, const void* values, std::size_t n, float* out) { return to_real(type, values, n, out); }

void to_float64(const LeafType& type, const void* values, std::size_t n, double* out) { to_real(type, values, n, out); }

void to_integers(const LeafType& type, const void* values, std::size_t n, std::int64_t* out) {
  const Kind kind = type.kind();
  switch (type.type) {
    case PhysicalType::boolean: plain<std::uint8_t>(values, n, out); break;
    case PhysicalType::int32:
      if (type.meaning == Meaning::unsigned_integer) plain<std::uint32_t>(values, n, out);
      else plain<std::int32_t>(values, n, out);
      break;
    case PhysicalType::int64: plain<std::int64_t>(values, n, out); break;
    case PhysicalType::int96:
      for (std::size_t i = 0; i < n; ++i) out[i] = micros_of(load<Int96>(values, i));
      return;
    default: throw internal_error("a column of type {} is no integer", static_cast<int>(type.type));
  }
  if (kind == Kind::date) {
    for (std::size_t i = 0; i < n; ++i) out[i] = wrapped_product(out[i], 86'400'000'000);
  } else if (kind == Kind::timestamp || kind == Kind::time) {
    for (std::size_t i = 0; i < n; ++i) out[i] = micros(type.unit, out[i]);
  }
}

}  // namespace smtrain::formats::parquet
