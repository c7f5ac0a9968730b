#include "formats/parting/record_shuffle.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <random>

namespace smtrain::formats {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

struct Shuffled {
  std::vector<std::string> records;
  std::vector<std::uint64_t> strata;
  std::uint64_t spilled = 0;
};

Shuffled shuffle(const std::vector<std::string>& records, std::uint64_t seed, std::uint64_t memory, std::size_t lot = 100) {
  RecordShuffle shuffle(seed, memory);
  PackedRecords packed;
  for (std::size_t i = 0; i < records.size(); ++i) {
    packed.append(records[i], {key_of(records[i]), i});
    if (packed.size() < lot) continue;
    shuffle.add(packed);
    packed.clear();
  }
  shuffle.add(packed);
  Shuffled out;
  while (shuffle.next(packed)) {
    for (std::size_t i = 0; i < packed.size(); ++i) {
      out.records.emplace_back(packed[i]);
      out.strata.push_back(packed.keys(i).stratum);
    }
  }
  out.spilled = shuffle.spilled();
  return out;
}

std::vector<std::string> random_records(unsigned seed, std::size_t count, std::size_t longest) {
  std::mt19937 draw(seed);
  std::vector<std::string> records;
  for (std::size_t i = 0; i < count; ++i)
    records.push_back(std::to_string(i) + std::string(draw() % longest, static_cast<char>('a' + draw() % 26)));
  return records;
}

TEST_CASE("shuffle: the order does not depend on memory, lots or scratch; every record comes once with its keys",
          "[formats][parting]") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::vector<std::string> records = random_records(seed, 30'000, 1500);
  records[17] = "";
  records[18] = std::string(9 * kMiB, 'x');  // larger than any buffer
  const Shuffled in_memory = shuffle(records, seed, 512 * kMiB), by_scratch = shuffle(records, seed, 8 * kMiB, 7);
  CHECK(in_memory.spilled == 0);
  CHECK(by_scratch.spilled > 20 * kMiB);
  CHECK((by_scratch.records == in_memory.records));
  for (std::size_t i = 0; i < in_memory.records.size(); ++i) {
    if (by_scratch.strata[i] != key_of(by_scratch.records[i])) FAIL("record " << i << " has lost its keys");
  }
  CHECK((shuffle(records, seed + 1, 512 * kMiB).records != in_memory.records));
  std::vector<std::string> sorted = in_memory.records;
  std::sort(sorted.begin(), sorted.end());
  std::sort(records.begin(), records.end());
  CHECK((sorted == records));
}

TEST_CASE("shuffle: every place is equally likely", "[formats][parting]") {
  std::vector<std::string> records;
  for (int i = 0; i < 10; ++i) records.push_back(std::to_string(i));
  std::vector<int> first(10);
  for (std::uint64_t seed = 0; seed < 5000; ++seed)
    ++first[static_cast<std::size_t>(std::stoi(shuffle(records, seed, kMiB).records.front()))];
  for (const int count : first) CHECK(std::abs(count - 500) < 85);  // four standard deviations
}

TEST_CASE("shuffle: no records", "[formats][parting]") { CHECK(shuffle({}, 1, kMiB).records.empty()); }

}  // namespace
}  // namespace smtrain::formats
