#include "formats/parquet/delta_reader.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace smtrain::formats::parquet {
namespace {

constexpr std::uint64_t kLargestBlock = std::uint64_t{1} << 16;  // writers use 128

[[noreturn]] void fail_end() { throw user_error("the data are damaged: a page has fewer values than it says"); }

std::uint64_t unzigzag(std::uint64_t value) { return (value >> 1) ^ (~(value & 1) + 1); }

// `count` numbers of `width` bits; the bytes are there.
void unpack(const unsigned char* p, unsigned width, std::uint64_t* out, std::size_t count) {
  const std::uint64_t mask = width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t bit = i * width, byte = bit / 8, shift = bit % 8, bytes = (shift + width + 7) / 8;
    std::uint64_t bits = 0;
    std::memcpy(&bits, p + byte, std::min<std::size_t>(bytes, 8));
    bits >>= shift;
    if (bytes == 9) bits |= static_cast<std::uint64_t>(p[byte + 8]) << (64 - shift);
    out[i] = bits & mask;
  }
}

}  // namespace

DeltaReader::DeltaReader(std::span<const char> bytes)
    : p_(reinterpret_cast<const unsigned char*>(bytes.data())), end_(p_ + bytes.size()) {
  const std::uint64_t block = varint();
  const std::uint64_t miniblocks = varint();
  count_ = left_ = varint();
  last_ = unzigzag(varint());
  if (block == 0 || block > kLargestBlock || miniblocks == 0 || miniblocks > block || block % miniblocks != 0 ||
      block / miniblocks % 8 != 0) {
    throw user_error("the data are damaged: delta blocks of {} values in {} parts", block, miniblocks);
  }
  miniblocks_ = static_cast<std::size_t>(miniblocks);
  miniblock_values_ = static_cast<std::size_t>(block / miniblocks);
  packed_left_ = count_ == 0 ? 0 : count_ - 1;
  miniblock_ = miniblocks_;
}

std::uint64_t DeltaReader::varint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (p_ == end_) fail_end();
    const unsigned char b = *p_++;
    value |= static_cast<std::uint64_t>(b & 0x7F) << shift;
    if (b < 0x80) return value;
  }
  throw user_error("the data are damaged: a number longer than 64 bits");
}

void DeltaReader::next_miniblock() {
  if (miniblock_ == miniblocks_) {
    min_delta_ = unzigzag(varint());
    if (static_cast<std::size_t>(end_ - p_) < miniblocks_) fail_end();
    widths_.assign(p_, p_ + miniblocks_);
    p_ += miniblocks_;
    miniblock_ = 0;
  }
  const unsigned width = widths_[miniblock_++];
  if (width > 64) throw user_error("the data are damaged: packed numbers of {} bits", width);
  const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(packed_left_, miniblock_values_));
  const std::size_t whole = miniblock_values_ * width / 8, left = static_cast<std::size_t>(end_ - p_);
  // Some writers leave out what pads the last one.
  if ((count * width + 7) / 8 > left) fail_end();
  deltas_.resize(count);
  unpack(p_, width, deltas_.data(), count);
  p_ += std::min(whole, left);
  packed_left_ -= count;
  at_ = 0;
}

template <class T>
void DeltaReader::read_any(T* out, std::size_t n) {
  if (n > left_) fail_end();
  left_ -= n;
  if (n > 0 && first_) {
    first_ = false;
    *out++ = static_cast<T>(last_);
    --n;
  }
  while (n > 0) {
    if (at_ == deltas_.size()) next_miniblock();
    const std::size_t take = std::min(n, deltas_.size() - at_);
    for (std::size_t i = 0; i < take; ++i) {
      last_ += min_delta_ + deltas_[at_ + i];
      out[i] = static_cast<T>(last_);
    }
    at_ += take;
    out += take;
    n -= take;
  }
}

void DeltaReader::read(std::int64_t* out, std::size_t n) { read_any(out, n); }
void DeltaReader::read(std::int32_t* out, std::size_t n) { read_any(out, n); }

}  // namespace smtrain::formats::parquet
