// The hybrid of runs and bit-packed groups that levels, dictionary indices and booleans are written in.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace smtrain::formats::parquet {

class RleReader {
 public:
  RleReader() = default;
  /// `bytes` must outlive it; widths are 0 to 32 bits, else a user Error.
  RleReader(std::span<const char> bytes, int bit_width);

  /// The next `n` numbers; T is std::uint8_t (widths up to 8) or std::uint32_t. Throws a user Error when there are fewer.
  template <class T>
  void read(T* out, std::size_t n);

 private:
  void next_run();
  template <class T>
  void unpack_groups(T* out, std::size_t groups);

  const unsigned char* p_ = nullptr;
  const unsigned char* end_ = nullptr;
  int width_ = 0;
  std::uint32_t value_ = 0;         // of the run
  std::uint64_t repeats_ = 0;       // left of it
  std::uint64_t packed_ = 0;        // numbers left in groups that are not unpacked
  std::uint32_t group_[8];          // a group unpacked in part
  std::size_t group_at_ = 8;
};

/// Appends numbers of `bit_width` bits in the same form, in runs where that is shorter.
void append_rle(std::string& out, std::span<const std::uint32_t> numbers, int bit_width);

/// Bits that numbers up to `largest` take.
int bit_width_of(std::uint64_t largest);

}  // namespace smtrain::formats::parquet
