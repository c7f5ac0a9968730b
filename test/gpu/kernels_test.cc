// Kernels one by one: what the backend's tests cannot see, because another order or another place would give as good a sum.
#include <catch2/catch.hpp>
#include <algorithm>
#include <numeric>
#include <set>

#include "compute/reference.h"
#include "gpu/host_block.h"
#include "gpu/kernels/sparse_product.h"
#include "gpu/plan.h"

using namespace smtrain::gpu;
using namespace smtrain::gpu::test;
using smtrain::compute::test::seed;

namespace {

constexpr Order kOrders[]{Order::ascending, Order::descending, Order::shuffled};

struct Sorted {
  std::vector<std::int32_t> keys;
  std::vector<std::uint32_t> rows;
};

Sorted sort_rows(const std::vector<std::int32_t>& ids, std::size_t k, Order order) {
  const std::size_t n = ids.size();
  std::vector<std::uint32_t> totals(DigitTile::kDigits * ceil_div(n, DigitTile::kTile));
  Sorted buffers[2], result{ids, {}};
  for (int pass = 0; pass < DigitTile::passes(k); ++pass) {
    Sorted& to = buffers[pass % 2];
    to.keys.assign(n, -1);
    to.rows.assign(n, 0);
    CountDigits count;
    count.keys = result.keys.data();
    count.n = n;
    count.shift = pass * DigitTile::kBits;
    count.totals = totals.data();
    run_on_host(count, order);
    ScanCounts scan;
    scan.values = totals.data();
    scan.n = totals.size();
    run_on_host(scan, order);
    PlaceRows place;
    place.keys = result.keys.data();
    place.n = n;
    place.shift = count.shift;
    place.rows = pass == 0 ? nullptr : result.rows.data();
    place.places = totals.data();
    place.to_keys = to.keys.data();
    place.to_rows = to.rows.data();
    run_on_host(place, order);
    result = to;
  }
  return result;
}

template <class Tile>
void check_tile_map() {
  std::set<std::pair<int, int>> places;
  for (int t = 0; t < Tile::kThreads; ++t) {
    for (int i = 0; i < static_cast<int>(std::size(typename Tile::Registers{}.score)); ++i) {
      int before = -1;
      for (int j = 0; j < static_cast<int>(std::size(typename Tile::Registers{}.acc[0])); ++j) {
        const int row = Tile::row_of(t, i), column = Tile::column_of(t, j);
        CHECK((row >= 0 && row < Tile::kRows && column > before && column < Tile::kColumns));
        before = column;  // ties go to the lowest column only if a thread meets its own in ascending order
        places.emplace(row, column);
      }
    }
  }
  CHECK(places.size() == static_cast<std::size_t>(Tile::kRows) * Tile::kColumns);
}

}  // namespace

TEST_CASE("the threads of a tile hold each of its scores once, columns ascending", "[gpu][kernels]") {
  check_tile_map<NearestNarrow>();
  check_tile_map<NearestMiddle>();
  check_tile_map<NearestWide>();
}

TEST_CASE("rows are sorted by centre and stay in order within it", "[gpu][kernels]") {
  std::mt19937 random(seed());
  for (const auto& [n, k] : std::vector<std::pair<std::size_t, std::size_t>>{
           {1, 1}, {17, 3}, {2048, 64}, {2049, 65}, {5000, 1}, {7001, 4097}, {30000, 300}, {140000, 70}, {3000, 2000000}}) {
    for (const Order order : kOrders) {
      CAPTURE(n, k, static_cast<int>(order), seed());
      std::vector<std::int32_t> ids(n);
      for (auto& id : ids) id = static_cast<std::int32_t>(random() % k);
      std::vector<std::uint32_t> expected(n);
      std::iota(expected.begin(), expected.end(), 0u);
      std::stable_sort(expected.begin(), expected.end(), [&](std::uint32_t a, std::uint32_t b) { return ids[a] < ids[b]; });
      const Sorted got = sort_rows(ids, k, order);
      CHECK((got.rows == expected));
      CHECK(std::is_sorted(got.keys.begin(), got.keys.end()));
    }
  }
  CHECK(DigitTile::passes(1) == 1);
  CHECK(DigitTile::passes(64) == 1);
  CHECK(DigitTile::passes(65) == 2);
  CHECK(DigitTile::passes(std::size_t{1} << 31) == 6);
}

TEST_CASE("segments that begin, end and run through chunks are each added once", "[gpu][kernels]") {
  std::mt19937 random(seed());
  const std::vector<std::vector<std::size_t>> runs{{1}, {64}, {65}, {64, 64}, {63, 2, 200, 1, 61, 64, 65}, {300}, {10, 500, 3}, {1, 1, 1, 127, 1}, {600, 1, 1500}};
  for (const auto& lengths : runs) {
    for (const Order order : kOrders) {
      const std::size_t n = std::accumulate(lengths.begin(), lengths.end(), std::size_t{0}), k = lengths.size() + 1, d = 66, ld = d + 2;
      CAPTURE(n, lengths, static_cast<int>(order));
      std::vector<std::int32_t> keys;
      for (std::size_t j = 0; j < lengths.size(); ++j) keys.insert(keys.end(), lengths[j], static_cast<std::int32_t>(j + 1));
      std::vector<std::uint32_t> rows(n);
      std::iota(rows.begin(), rows.end(), 0u);
      std::shuffle(rows.begin(), rows.end(), random);
      std::vector<float> x(n * ld), w(n);
      for (float& v : x) v = static_cast<float>(random() % 100);
      for (float& v : w) v = static_cast<float>(random() % 4);
      std::vector<double> sums(k * d, 1), counts(k, 2), expected_sums = sums, expected_counts = counts;
      for (std::size_t i = 0; i < n; ++i) {
        const auto key = static_cast<std::size_t>(keys[i]);
        for (std::size_t j = 0; j < d; ++j) expected_sums[key * d + j] += static_cast<double>(w[rows[i]] * x[rows[i] * ld + j]);
        expected_counts[key] += static_cast<double>(w[rows[i]]);
      }
      // What no chunk has written must not be read.
      std::vector<double> heads(Segments::chunks_of(n) * (d + 1), NAN), tails = heads;
      Segments s;
      s.keys = keys.data();
      s.rows = rows.data();
      s.x = x.data();
      s.weights = w.data();
      s.n = n;
      s.d = d;
      s.ldx = ld;
      s.heads = heads.data();
      s.tails = tails.data();
      s.sums = sums.data();
      s.counts = counts.data();
      s.ld_sums = d;
      run_on_host(SumSegments{s}, order);
      run_on_host(JoinSegments{s}, order);
      CHECK((sums == expected_sums));
      CHECK((counts == expected_counts));
    }
  }
}

TEST_CASE("sparse numbers turned over stand by column, with the rows they are from", "[gpu][kernels]") {
  const std::vector<std::uint32_t> starts{0, 0, 2, 2, 2, 5, 6, 6};  // rows without numbers at the ends and between
  const std::vector<std::int32_t> columns{1, 3, 0, 1, 3, 3};
  const std::vector<float> values{10, 20, 30, 40, 50, 60};
  for (const Order order : kOrders) {
    const Sorted sorted = sort_rows(columns, 4, order);
    std::vector<std::int32_t> to_columns(6, -1);
    std::vector<std::uint32_t> to_rows(6, 99);
    std::vector<float> to_values(6, -1);
    TurnOver kernel;
    kernel.starts = starts.data();
    kernel.values = values.data();
    kernel.keys = sorted.keys.data();
    kernel.order = sorted.rows.data();
    kernel.rows = starts.size() - 1;
    kernel.n = 6;
    kernel.to_columns = to_columns.data();
    kernel.to_rows = to_rows.data();
    kernel.to_values = to_values.data();
    run_on_host(kernel, order);
    CHECK((to_columns == std::vector<std::int32_t>{0, 1, 1, 3, 3, 3}));
    CHECK((to_rows == std::vector<std::uint32_t>{4, 1, 4, 1, 4, 5}));
    CHECK((to_values == std::vector<float>{30, 10, 40, 20, 50, 60}));
  }
}

TEST_CASE("plans cover all centres, and pieces keep memory bounded", "[gpu][kernels]") {
  for (const std::size_t n : {1u, 127u, 5000u, 100000u, 10000000u}) {
    for (const std::size_t k : {1u, 16u, 17u, 64u, 65u, 1024u, 100000u}) {
      const NearestPlan plan = plan_nearest(n, k);
      CHECK(plan.parts >= 1);
      CHECK((k > 16 || plan.width == TileWidth::narrow));
      CHECK((k <= 64 || plan.width == TileWidth::wide));
      CHECK((n < 100000 || plan.parts == 1));
    }
  }
  CHECK(plan_nearest(5000, 1024).parts == 6);
  for (const std::size_t nonzeros : {1u, 5000u, 3000000u, 4000000000u}) {
    for (const std::size_t p : {1u, 32u, 5000u}) {
      const std::size_t columns = piece_columns(nonzeros, p);
      CHECK((columns >= 1 && columns <= p));
      CHECK((columns == 1 || columns * SortedKeys::chunks_of(nonzeros) <= (1u << 20)));
    }
  }
  for (const std::size_t d : {1u, 64u, 784u, 60000u}) {
    const std::size_t n = piece_rows(d);
    CHECK((n >= 4096 && n % 4096 == 0));
    CHECK(Scratch(n, d, 1, true, true, true).layout.bytes() < (std::size_t{200} << 20));
  }
}
