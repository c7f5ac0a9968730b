#include "job/shared_gradient.h"

#include <catch2/catch.hpp>

#include "dist/thread_transport.h"

namespace smtrain::job {
namespace {

using Picked = compute::Backend::PickedRows;
using test::on_ranks;

}  // namespace

TEST_CASE("shared gradient: rows that any process has touched are summed in rank order, the same everywhere", "[job]") {
  const std::vector<Picked> own = {{{1, 4}, {1, 2, 3, 4}}, {{}, {}}, {{0, 4, 7}, {10, 20, 1e8f, 0.5f, 5, 6}}, {{4}, {-1e8f, 0.25f}}};
  std::vector<Picked> sums(own.size());
  on_ranks(static_cast<int>(own.size()), [&](dist::Group& group) {
    const auto rank = static_cast<std::size_t>(group.rank());
    sums[rank] = sum_rows(own[rank], 2, group);
  });
  for (const Picked& sum : sums) {
    CHECK(sum.ids == std::vector<std::uint32_t>{0, 1, 4, 7});
    CHECK(sum.values == std::vector<float>{10, 20, 1, 2, 3, 4.75f, 5, 6});  // 3 + 1e8 - 1e8 in float64
  }
}

TEST_CASE("shared gradient: one process keeps its own rows, and nothing is nothing", "[job]") {
  const auto alone = dist::make_single_process();
  CHECK(sum_rows({{3}, {1, 2}}, 2, *alone).values == std::vector<float>{1, 2});
  std::vector<std::size_t> rows(2, 1);
  on_ranks(2, [&](dist::Group& group) { rows[static_cast<std::size_t>(group.rank())] = sum_rows({}, 3, group).ids.size(); });
  CHECK(rows == std::vector<std::size_t>{0, 0});
}

}  // namespace smtrain::job
