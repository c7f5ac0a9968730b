// The numbers of DELTA_BINARY_PACKED: differences in small blocks, bit-packed.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace smtrain::formats::parquet {

/// Gives out the numbers in order, a small block at a time. `bytes` must outlive it. One thread.
class DeltaReader {
 public:
  /// Throws a user Error without a place for a head that is none.
  explicit DeltaReader(std::span<const char> bytes);

  /// Numbers in all.
  std::uint64_t count() const { return count_; }
  /// The next n, wrapped to 32 bits in the narrow form; throws a user Error when there are fewer.
  void read(std::int64_t* out, std::size_t n);
  void read(std::int32_t* out, std::size_t n);
  /// What follows the numbers, once all of them are read.
  std::span<const char> rest() const { return {reinterpret_cast<const char*>(p_), static_cast<std::size_t>(end_ - p_)}; }

 private:
  std::uint64_t varint();
  void next_miniblock();
  template <class T>
  void read_any(T* out, std::size_t n);

  const unsigned char* p_;
  const unsigned char* end_;
  std::size_t miniblocks_ = 0, miniblock_values_ = 0;
  std::uint64_t count_ = 0, left_ = 0;  // left_: to be read; the first one stands in the head
  std::uint64_t packed_left_ = 0;       // of the left ones, those that are not unpacked
  std::uint64_t last_ = 0;
  bool first_ = true;
  std::uint64_t min_delta_ = 0;
  std::vector<unsigned char> widths_;   // of the block's miniblocks
  std::size_t miniblock_ = 0;
  std::vector<std::uint64_t> deltas_;   // of the miniblock at hand
  std::size_t at_ = 0;
};

}  // namespace smtrain::formats::parquet
