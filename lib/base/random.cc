#include "base/random.h"

#include <cmath>
#include <numbers>
#include <unordered_map>
#include <utility>

#include "base/error.h"

namespace smtrain {
namespace {

// FNV-1a, then SplitMix64's finaliser: names that differ in one letter give keys that differ in half their bits.
std::uint64_t hash_name(std::string_view name) {
  std::uint64_t h = 0xcbf29ce484222325u;
  for (const char c : name) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return h;
}

std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

std::vector<std::uint64_t> shuffled_prefix(RandomStream& stream, std::uint64_t n, std::uint64_t count) {
  std::vector<std::uint64_t> all(n);
  for (std::uint64_t i = 0; i < n; ++i) all[i] = i;
  for (std::uint64_t i = 0; i < count; ++i) std::swap(all[i], all[i + stream.below(n - i)]);
  all.resize(count);
  return all;
}

// The same shuffle with only the touched places kept; the same draws give the same sample as shuffled_prefix.
std::vector<std::uint64_t> sparse_shuffled_prefix(RandomStream& stream, std::uint64_t n, std::uint64_t count) {
  std::unordered_map<std::uint64_t, std::uint64_t> moved;
  moved.reserve(2 * count);
  std::vector<std::uint64_t> sample(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t j = i + stream.below(n - i);
    const auto at_j = moved.find(j);
    sample[i] = at_j == moved.end() ? j : at_j->second;
    const auto at_i = moved.find(i);
    const std::uint64_t own = at_i == moved.end() ? i : at_i->second;
    moved[j] = own;
  }
  return sample;
}

}  // namespace

RandomStream::RandomStream(std::uint64_t seed, std::string_view name) {
  const std::uint64_t key = mix(mix(seed) ^ hash_name(name));
  key_ = {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)};
}

std::uint32_t RandomStream::next_u32() {
  const std::size_t lane = position_ % 4;
  if (lane == 0) {
    const std::uint64_t block = position_ / 4;
    const std::uint32_t counter[4] = {static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32), 0, 0};
    philox4x32_10(counter, key_.data(), block_.data());
  }
  ++position_;
  return block_[lane];
}

std::uint64_t RandomStream::next_u64() {
  const std::uint64_t low = next_u32();
  return low | std::uint64_t{next_u32()} << 32;
}

double RandomStream::uniform() { return static_cast<double>(next_u64() >> 11) * 0x1p-53; }

std::uint64_t RandomStream::below(std::uint64_t n) {
  if (n == 0) throw internal_error("RandomStream::below(0): expected a positive bound");
  __extension__ using Wide = unsigned __int128;
  Wide product = Wide{next_u64()} * n;
  if (static_cast<std::uint64_t>(product) < n) {
    const std::uint64_t threshold = (0 - n) % n;
    while (static_cast<std::uint64_t>(product) < threshold) product = Wide{next_u64()} * n;
  }
  return static_cast<std::uint64_t>(product >> 64);
}

double RandomStream::normal() {
  // The second value of the pair is dropped: a stream's state stays its position alone.
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

std::vector<std::uint64_t> RandomStream::sample_without_replacement(std::uint64_t n, std::uint64_t count) {
  if (count > n) throw internal_error("a sample of {} without replacement from {}: expected at most {}", count, n, n);
  // A hash entry costs about as much as eight array places.
  return count > n / 8 ? shuffled_prefix(*this, n, count) : sparse_shuffled_prefix(*this, n, count);
}

void RandomStream::seek(std::uint64_t position) {
  position_ = position / 4 * 4;
  while (position_ < position) next_u32();
}

}  // namespace smtrain
