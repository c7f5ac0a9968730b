// Random numbers: Philox4x32-10 (Salmon et al., SC 2011), counter-based, the same on every machine and compiler.
//
// A stream is named; its key derives from the run's seed and the name, so that what one part of a program draws never
// shifts another part, and results do not depend on how work is split over threads. Distributions are our own.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace smtrain {

/// The block function: ten rounds on a 128-bit counter under a 64-bit key. Usable from host and device code.
#ifdef __CUDACC__
__host__ __device__
#endif
inline void philox4x32_10(const std::uint32_t counter[4], const std::uint32_t key[2], std::uint32_t out[4]) {
  std::uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3], k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * c0, p1 = std::uint64_t{0xCD9E8D57u} * c2;
    const std::uint32_t n0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1 ^ k0;
    const std::uint32_t n2 = static_cast<std::uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c1 = static_cast<std::uint32_t>(p1);
    c3 = static_cast<std::uint32_t>(p0);
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/// A sequence of draws. Copyable; two copies draw the same. `position` is all there is to save.
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, std::string_view name);

  std::uint32_t next_u32();
  std::uint64_t next_u64();
  /// Uniform in [0, 1), 53 bits.
  double uniform();
  /// Uniform in 0 … n-1, without bias (Lemire 2019); n > 0.
  std::uint64_t below(std::uint64_t n);
  /// Standard normal (Box-Muller).
  double normal();
  /// `count` distinct numbers of 0 … n-1 in random order; count ≤ n. O(count) memory.
  std::vector<std::uint64_t> sample_without_replacement(std::uint64_t n, std::uint64_t count);

  std::uint64_t position() const { return position_; }
  void seek(std::uint64_t position);

 private:
  std::array<std::uint32_t, 2> key_{};
  std::array<std::uint32_t, 4> block_{};
  std::uint64_t position_ = 0;  // draws of next_u32 so far
};

}  // namespace smtrain
