#include "formats/parting/dealer.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <map>
#include <random>
#include <set>

#include "base/error.h"

namespace smtrain::formats {
namespace {

using Catch::Matchers::Contains;

std::vector<std::size_t> deal(const DealOptions& options, const std::vector<RecordKeys>& keys) {
  Dealer dealer(options);
  std::vector<std::size_t> parts;
  for (const RecordKeys& k : keys) parts.push_back(dealer.part_of(k));
  return parts;
}

TEST_CASE("dealer: each part has its share of any stretch, to within three records", "[formats][parting]") {
  const std::vector<std::vector<double>> all = {
      {0.8, 0.2}, {0.7, 0.15, 0.15}, {0.123, 0.877}, {0.2, 0.2, 0.2, 0.2, 0.2}, {0.999, 0.001}};
  for (const auto& shares : all) {
    const std::vector<std::size_t> parts = deal({shares, 3}, std::vector<RecordKeys>(20'000));
    std::vector<double> counts(shares.size());
    for (std::size_t i = 0; i < parts.size(); ++i) {
      ++counts[parts[i]];
      for (std::size_t k = 0; k < shares.size(); ++k) {
        if (std::abs(counts[k] - shares[k] * static_cast<double>(i + 1)) > 3)
          FAIL("record " << i << ", part " << k << " has " << counts[k]);
      }
    }
  }
}

TEST_CASE("dealer: which record of a hand goes where is random", "[formats][parting]") {
  const std::vector<std::size_t> parts = deal({{0.8, 0.2}, 1}, std::vector<RecordKeys>(50'000));
  std::vector<int> at(5);
  for (std::size_t i = 0; i < parts.size(); ++i) at[i % 5] += parts[i] == 1;
  for (const int count : at) CHECK(std::abs(count - 2000) < 160);  // four standard deviations
}

TEST_CASE("dealer: strata keep their shares each, groups stay together, other seeds deal otherwise", "[formats][parting]") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 draw(seed);
  std::vector<RecordKeys> keys(30'000);
  for (RecordKeys& k : keys) k = {key_of(std::to_string(draw() % 7)), key_of(std::to_string(draw() % 500))};
  DealOptions options{{0.6, 0.3, 0.1}, 5};
  const auto stratified = deal(options, keys);
  std::map<std::uint64_t, std::vector<double>> counts;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    auto& of_stratum = counts.try_emplace(keys[i].stratum, std::vector<double>(4)).first->second;
    ++of_stratum[stratified[i]];
    ++of_stratum[3];
  }
  CHECK(counts.size() == 7);
  for (const auto& [stratum, c] : counts) {
    // A hand is ten cards; where it breaks off, the part of 6 of them may have got all 6 first: 6 - 0.6 * 6.
    for (std::size_t k = 0; k < 3; ++k) CHECK(std::abs(c[k] - options.shares[k] * c[3]) < 2.41);
  }
  CHECK(deal(options, keys) == stratified);
  options.seed = 6;
  CHECK(deal(options, keys) != stratified);
  options.by_group = true;
  for (RecordKeys& k : keys) k.stratum = 0;
  const auto grouped = deal(options, keys);
  std::map<std::uint64_t, std::set<std::size_t>> parts_of;
  for (std::size_t i = 0; i < keys.size(); ++i) parts_of[keys[i].group].insert(grouped[i]);
  std::vector<int> groups(3);
  for (const auto& [group, parts] : parts_of) {
    REQUIRE(parts.size() == 1);
    ++groups[*parts.begin()];
  }
  CHECK(std::abs(groups[0] - 300) <= 2);
  CHECK(std::abs(groups[2] - 50) <= 2);
}

TEST_CASE("dealer: in turn, thin strata, too many strata", "[formats][parting]") {
  CHECK(deal({{0.5, 0.5}, 0, true}, std::vector<RecordKeys>(4)) == std::vector<std::size_t>{0, 1, 0, 1});
  Dealer dealer({{0.5, 0.5}, 0});
  dealer.part_of({1, 0});
  dealer.part_of({2, 0});
  dealer.part_of({2, 0});
  CHECK(dealer.thin_strata() == 1);
  Dealer many({{0.5, 0.5}, 0});
  CHECK_THROWS_WITH(
      [&] {
        for (std::uint64_t i = 0; i <= Dealer::kMaxStrata; ++i) many.part_of({i, 0});
      }(),
      Contains("--stratify: more than 100000"));
}

}  // namespace
}  // namespace smtrain::formats
