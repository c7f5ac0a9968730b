#include "base/random.h"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <set>

#include "base/error.h"

namespace smtrain {
namespace {

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  std::array<std::uint32_t, 4> out{};
  philox4x32_10(counter.data(), key.data(), out.data());
  return out;
}

using Block = std::array<std::uint32_t, 4>;

}  // namespace

TEST_CASE("Philox4x32-10 gives the published known answers of Random123") {
  constexpr std::uint32_t kOnes = 0xffffffffu;
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}) == Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a stream's draws are the same in every release") {
  // A change here changes every trained model of a given seed.
  RandomStream stream(7, "init");
  std::array<std::uint32_t, 5> draws{};
  for (std::uint32_t& draw : draws) draw = stream.next_u32();
  CHECK(draws == std::array<std::uint32_t, 5>{0xbb5d47f2, 0x54ff069b, 0x09da4346, 0xa557bf4b, 0x17bf1788});
}

TEST_CASE("streams of another name or seed differ, equal ones agree") {
  RandomStream a(1, "shuffle"), same(1, "shuffle"), other_name(1, "shuffles"), other_seed(2, "shuffle");
  int equal_name = 0, equal_seed = 0;
  for (int i = 0; i < 64; ++i) {
    const std::uint64_t draw = a.next_u64();
    CHECK(draw == same.next_u64());
    equal_name += draw == other_name.next_u64();
    equal_seed += draw == other_seed.next_u64();
  }
  CHECK(equal_name == 0);
  CHECK(equal_seed == 0);
}

TEST_CASE("a stream goes on from any saved position and a copy draws the same") {
  RandomStream stream(3, "x");
  std::vector<std::uint32_t> draws(40);
  for (std::uint32_t& draw : draws) draw = stream.next_u32();
  for (std::size_t position = 0; position < draws.size(); ++position) {
    RandomStream resumed(3, "x");
    resumed.seek(position);
    REQUIRE(resumed.position() == position);
    RandomStream copy = resumed;
    REQUIRE(resumed.next_u32() == draws[position]);
    REQUIRE(copy.next_u32() == draws[position]);
  }
  const std::uint64_t far = std::uint64_t{1} << 40;
  stream.seek(far + 5);
  const std::uint32_t there = stream.next_u32();
  stream.seek(far + 3);
  stream.next_u64();
  CHECK(stream.next_u32() == there);
}

TEST_CASE("uniform numbers lie in [0, 1) with the right mean and variance") {
  RandomStream stream(11, "uniform");
  constexpr int kCount = 200000;
  double sum = 0, squares = 0;
  for (int i = 0; i < kCount; ++i) {
    const double u = stream.uniform();
    if (u < 0 || u >= 1) FAIL(u);
    sum += u;
    squares += u * u;
  }
  const double mean = sum / kCount;
  CHECK(std::abs(mean - 0.5) < 4 * std::sqrt(1.0 / 12 / kCount));
  CHECK(std::abs(squares / kCount - mean * mean - 1.0 / 12) < 0.001);
}

TEST_CASE("normal numbers have the moments of the standard normal") {
  RandomStream stream(12, "normal");
  constexpr int kCount = 200000;
  double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
  for (int i = 0; i < kCount; ++i) {
    const double x = stream.normal();
    REQUIRE(std::isfinite(x));
    m1 += x / kCount;
    m2 += x * x / kCount;
    m3 += x * x * x / kCount;
    m4 += x * x * x * x / kCount;
  }
  CHECK(std::abs(m1) < 0.01);
  CHECK(std::abs(m2 - 1) < 0.015);
  CHECK(std::abs(m3) < 0.04);
  CHECK(std::abs(m4 - 3) < 0.1);
}

TEST_CASE("below is unbiased, also for bounds just over half of 2^64") {
  RandomStream stream(13, "below");
  std::array<int, 6> counts{};
  constexpr int kCount = 60000;
  for (int i = 0; i < kCount; ++i) ++counts.at(stream.below(6));
  double chi2 = 0;
  for (const int count : counts) chi2 += (count - kCount / 6.0) * (count - kCount / 6.0) / (kCount / 6.0);
  CHECK(chi2 < 20.5);  // 0.1 % point of 5 degrees of freedom

  // Without rejection half of all draws, instead of a third, would be multiples of three.
  const std::uint64_t n = std::uint64_t{3} << 62;
  int multiples = 0;
  for (int i = 0; i < kCount; ++i) {
    const std::uint64_t draw = stream.below(n);
    if (draw >= n) FAIL(draw);
    multiples += draw % 3 == 0;
  }
  CHECK(std::abs(multiples - kCount / 3.0) < 4 * std::sqrt(kCount * 2.0 / 9));
  CHECK(stream.below(1) == 0);
  CHECK_THROWS_AS(stream.below(0), Error);
}

TEST_CASE("a sample without replacement holds distinct numbers of the range") {
  // Both ways of drawing: a dense one for large shares, a sparse one for small.
  for (const std::uint64_t count : {0u, 1u, 10u, 100u, 500u, 1000u}) {
    RandomStream stream(14, "sample");
    const std::vector<std::uint64_t> sample = stream.sample_without_replacement(1000, count);
    const std::set<std::uint64_t> distinct(sample.begin(), sample.end());
    CAPTURE(count);
    CHECK(sample.size() == count);
    CHECK(distinct.size() == count);
    CHECK((distinct.empty() || *distinct.rbegin() < 1000));
  }
  RandomStream stream(15, "sample");
  CHECK(stream.sample_without_replacement(std::uint64_t{1} << 60, 3).size() == 3);
  CHECK_THROWS_AS(stream.sample_without_replacement(3, 4), Error);
}

TEST_CASE("small and large samples of one stream begin alike") {
  RandomStream a(16, "sample"), b(16, "sample");
  const auto sparse = a.sample_without_replacement(1000, 100), dense = b.sample_without_replacement(1000, 900);
  CHECK(std::equal(sparse.begin(), sparse.end(), dense.begin()));
}

TEST_CASE("every number is as likely at every place of a sample") {
  RandomStream stream(17, "places");
  std::array<std::array<int, 5>, 3> counts{};
  constexpr int kRuns = 20000;
  for (int run = 0; run < kRuns; ++run) {
    const auto sample = stream.sample_without_replacement(5, 3);
    for (std::size_t place = 0; place < 3; ++place) ++counts[place].at(sample[place]);
  }
  for (const auto& place : counts) {
    for (const int count : place) CHECK(std::abs(count - kRuns / 5.0) < 4.5 * std::sqrt(kRuns * 0.16));
  }
}

}  // namespace smtrain
