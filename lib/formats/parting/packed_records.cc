#include "formats/parting/packed_records.h"

#include <cstring>

namespace smtrain::formats {

// FNV-1a, then SplitMix64's finaliser: short values that differ in one bit give keys that differ in half their bits.
std::uint64_t key_of(std::string_view value) {
  std::uint64_t h = 0xcbf29ce484222325u;
  for (const char c : value) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  h += 0x9e3779b97f4a7c15u;
  h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
  h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
  return h ^ (h >> 31);
}

std::uint64_t key_of(float value) {
  if (value == 0) value = 0;
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  return key_of(std::string_view(bytes, sizeof bytes));
}

void PackedRecords::append(const PackedRecords& others) {
  const std::size_t before = bytes_.size();
  bytes_ += others.bytes_;
  for (const std::size_t end : others.ends_) ends_.push_back(before + end);
  keys_.insert(keys_.end(), others.keys_.begin(), others.keys_.end());
}

void PackedRecords::clear() {
  bytes_.clear();
  ends_.clear();
  keys_.clear();
}

}  // namespace smtrain::formats
