#include "base/ordered_work.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <random>

namespace smtrain {
namespace {

using Catch::Contains;

std::function<bool(int&)> numbers_below(int end) {
  return [end, next = std::make_shared<int>(0)](int& number) { return (number = (*next)++) < end; };
}

void dawdle(int number) { std::this_thread::sleep_for(std::chrono::microseconds(number * 7919 % 300)); }

}  // namespace

TEST_CASE("ordered work: results come in the order of what was read") {
  for (const int threads : {1, 2, 7}) {
    OrderedWork<int, int> work({.threads = threads}, numbers_below(500), [](int& n, const auto&) {
      dawdle(n);
      return 2 * n;
    });
    int result = 0;
    for (int i = 0; i < 500; ++i) {
      REQUIRE(work.next(result));
      REQUIRE(result == 2 * i);
    }
    CHECK_FALSE(work.next(result));
    CHECK_FALSE(work.next(result));
  }
}

TEST_CASE("ordered work: what is thrown comes out in its place, and the rest can go on") {
  OrderedWork<int, int> work({.threads = 3}, numbers_below(50), [](int& n, const auto&) {
    dawdle(n);
    if (n == 20 || n == 10) throw user_error("bad {}", n);
    return n;
  });
  int result = 0;
  for (int i = 0; i < 10; ++i) REQUIRE(work.next(result));
  CHECK_THROWS_WITH(work.next(result), Contains("bad 10"));
  for (int i = 11; i < 20; ++i) {
    REQUIRE(work.next(result));
    CHECK(result == i);
  }
  CHECK_THROWS_WITH(work.next(result), Contains("bad 20"));
}

TEST_CASE("ordered work: an end by an error of reading") {
  int number = 0;
  OrderedWork<int, int> work({.threads = 3}, [&](int& n) {
    if ((n = number++) == 5) throw user_error("no more");
    return true;
  }, [](int& n, const auto&) { return n; });
  int result = 0;
  for (int i = 0; i < 5; ++i) REQUIRE(work.next(result));
  CHECK_THROWS_WITH(work.next(result), Contains("no more"));
  CHECK_FALSE(work.next(result));
}

TEST_CASE("ordered work: reads no further ahead than it may") {
  std::atomic<int> read = 0;
  OrderedWork<int, int> work({.threads = 2, .ahead = 5}, [&](int& n) { return (n = read++) < 100; }, [](int& n, const auto&) { return n; });
  int result = 0;
  for (int i = 0; i < 100; ++i) {
    REQUIRE(work.next(result));
    REQUIRE(read <= i + 1 + 5 + 1);
  }
}

TEST_CASE("ordered work: results keep within their bytes, but for the one that is next") {
  std::atomic<std::size_t> held = 0, most = 0;
  OrderedWork<int, int> work({.threads = 4, .ahead = 50, .ahead_bytes = 100}, numbers_below(200), [&](int& n, const auto& room) {
    const std::size_t bytes = n % 17 == 0 ? 1000 : 10 + static_cast<std::size_t>(n) % 40;
    room(bytes);
    if (bytes < 1000) most = std::max<std::size_t>(most, held += bytes);
    return n;
  });
  int result = 0;
  for (int i = 0; i < 200; ++i) {
    REQUIRE(work.next(result));
    REQUIRE(result == i);
    if (i % 17 != 0) held -= 10 + static_cast<std::size_t>(i) % 40;
  }
  CHECK(most <= 200);  // the share of the one that is next comes on top, and that of the one just taken is still counted here
}

TEST_CASE("ordered work: given up, it ends although threads wait") {
  OrderedWork<int, int> work({.threads = 3, .ahead = 4, .ahead_bytes = 10}, [](int& n) { return n = 1, true; }, [](int& n, const auto& room) {
    room(8);
    return n;
  });
  int result = 0;
  CHECK(work.next(result));
}

}  // namespace smtrain
