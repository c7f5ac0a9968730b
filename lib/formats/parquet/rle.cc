#include "formats/parquet/rle.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace smtrain::formats::parquet {
namespace {

static_assert(std::endian::native == std::endian::little);

// Eight numbers of W bits from W bytes. Reads 8 bytes at a time, so up to 7 bytes beyond them: the caller sees to it.
template <int W, class T>
void unpack8(const unsigned char* p, T* out) {
  if constexpr (W == 0) {
    std::fill_n(out, 8, T{0});
  } else if constexpr (W <= 8) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, p, 8);
    for (int i = 0; i < 8; ++i) out[i] = static_cast<T>(bits >> (i * W) & ((std::uint64_t{1} << W) - 1));
  } else {
    for (int i = 0; i < 8; ++i) {
      std::uint64_t bits;
      std::memcpy(&bits, p + i * W / 8, 8);
      out[i] = static_cast<T>(bits >> (i * W % 8) & ((std::uint64_t{1} << W) - 1));
    }
  }
}

template <int W, class T>
void unpack_many(const unsigned char* p, T* out, std::size_t groups) {
  for (std::size_t g = 0; g < groups; ++g, p += W, out += 8) unpack8<W>(p, out);
}

template <class T>
using Unpack = void (*)(const unsigned char*, T*, std::size_t);

template <class T, int... W>
constexpr auto unpackers(std::integer_sequence<int, W...>) {
  struct Table {
    Unpack<T> of[sizeof...(W)];
  };
  return Table{{&unpack_many<W, T>...}};
}

template <class T>
constexpr auto kUnpackers = unpackers<T>(std::make_integer_sequence<int, 33>());

constexpr std::size_t kSlack = 8;  // bytes that must be readable behind a group

}  // namespace

RleReader::RleReader(std::span<const char> bytes, int bit_width)
    : p_(reinterpret_cast<const unsigned char*>(bytes.data())), end_(p_ + bytes.size()), width_(bit_width) {
  if (bit_width < 0 || bit_width > 32) throw user_error("the data are damaged: packed numbers of {} bits", bit_width);
}

void RleReader::next_run() {
  std::uint64_t head = 0;
  for (int shift = 0;; shift += 7) {
    if (p_ == end_ || shift > 63) throw user_error("the data are damaged: a page has fewer values than it says");
    const unsigned char b = *p_++;
    head |= static_cast<std::uint64_t>(b & 0x7F) << shift;
    if (b < 0x80) break;
  }
  if ((head & 1) != 0) {
    packed_ = std::min<std::uint64_t>(head >> 1, std::uint64_t{1} << 40) * 8;
    return;
  }
  const std::size_t bytes = static_cast<std::size_t>(width_ + 7) / 8;
  if (static_cast<std::size_t>(end_ - p_) < bytes) throw user_error("the data are damaged: a page has fewer values than it says");
  value_ = 0;
  std::memcpy(&value_, p_, bytes);
  p_ += bytes;
  repeats_ = head >> 1;
}

template <class T>
void RleReader::unpack_groups(T* out, std::size_t groups) {
  const std::size_t width = static_cast<std::size_t>(width_), left = static_cast<std::size_t>(end_ - p_);
  const std::size_t fast = width == 0 ? groups : left < kSlack ? 0 : std::min(groups, (left - kSlack) / width);
  if (width != 0) kUnpackers<T>.of[width_](p_, out, fast);
  else std::fill_n(out, groups * 8, T{0});
  p_ += fast * width;
  for (std::size_t g = fast; g < groups; ++g) {
    unsigned char padded[32 + kSlack] = {};
    // Writers may leave out the bytes behind the last number.
    const std::size_t take = std::min(width, static_cast<std::size_t>(end_ - p_));
    if (take == 0) throw user_error("the data are damaged: a page has fewer values than it says");
    std::memcpy(padded, p_, take);
    kUnpackers<T>.of[width_](padded, out + g * 8, 1);
    p_ += take;
  }
}

template <class T>
void RleReader::read(T* out, std::size_t n) {
  while (n > 0) {
    std::size_t take = 0;
    if (group_at_ < 8) {
      take = std::min(n, 8 - group_at_);
      for (std::size_t i = 0; i < take; ++i) out[i] = static_cast<T>(group_[group_at_ + i]);
      group_at_ += take;
    } else if (repeats_ > 0) {
      take = static_cast<std::size_t>(std::min<std::uint64_t>(n, repeats_));
      std::fill_n(out, take, static_cast<T>(value_));
      repeats_ -= take;
    } else if (packed_ >= 8 && n >= 8) {
      take = static_cast<std::size_t>(std::min<std::uint64_t>(n, packed_)) / 8 * 8;
      unpack_groups(out, take / 8);
      packed_ -= take;
    } else if (packed_ > 0) {
      unpack_groups(group_, 1);
      group_at_ = 0;
      packed_ -= 8;
    } else {
      next_run();
    }
    out += take;
    n -= take;
  }
}

template void RleReader::read(std::uint8_t*, std::size_t);
template void RleReader::read(std::uint32_t*, std::size_t);

int bit_width_of(std::uint64_t largest) { return static_cast<int>(std::bit_width(largest)); }

namespace {

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

// Groups of eight, the last one filled up with zeros.
void append_packed(std::string& out, std::span<const std::uint32_t> numbers, int width) {
  if (numbers.empty()) return;
  append_varint(out, ((numbers.size() + 7) / 8) << 1 | 1);
  std::uint64_t bits = 0;
  int have = 0;
  const std::size_t padded = (numbers.size() + 7) / 8 * 8;
  for (std::size_t i = 0; i < padded; ++i) {
    bits |= static_cast<std::uint64_t>(i < numbers.size() ? numbers[i] : 0) << have;
    for (have += width; have >= 8; have -= 8, bits >>= 8) out += static_cast<char>(bits);
  }
}

}  // namespace

void append_rle(std::string& out, std::span<const std::uint32_t> numbers, int width) {
  std::size_t packed_from = 0, i = 0;
  while (i < numbers.size()) {
    std::size_t same = i + 1;
    while (same < numbers.size() && numbers[same] == numbers[i]) ++same;
    // A run must begin where a group ends, and be worth a header.
    const std::size_t begin = packed_from + (i - packed_from + 7) / 8 * 8;
    if (begin + 16 <= same) {
      append_packed(out, numbers.subspan(packed_from, begin - packed_from), width);
      append_varint(out, static_cast<std::uint64_t>(same - begin) << 1);
      for (int bits = 0; bits < width; bits += 8) out += static_cast<char>(numbers[i] >> bits);
      packed_from = same;
    }
    i = same;
  }
  append_packed(out, numbers.subspan(packed_from), width);
}

}  // namespace smtrain::formats::parquet
