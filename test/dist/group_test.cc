#include "dist/group.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <random>

#include "base/signals.h"
#include "dist/thread_transport.h"

namespace smtrain::dist {
namespace {

using test::on_ranks;

// Values whose sum depends on the order in which they are added.
std::vector<double> values_of(int rank, std::size_t n) {
  std::mt19937_64 random(static_cast<std::uint64_t>(rank) + 1);
  std::vector<double> values(n);
  for (double& v : values) v = std::ldexp(static_cast<double>(random() >> 11), static_cast<int>(random() % 60) - 80);
  return values;
}

std::vector<double> summed_in_rank_order(int ranks, std::size_t n) {
  std::vector<double> sum = values_of(0, n);
  for (int r = 1; r < ranks; ++r) {
    const std::vector<double> more = values_of(r, n);
    for (std::size_t i = 0; i < n; ++i) sum[i] += more[i];
  }
  return sum;
}

bool same_bytes(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
}

TEST_CASE("sums are those of rank order, on every rank, however they are cut") {
  for (const int ranks : {2, 3, 5}) {
    for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{4}, std::size_t{1000}, std::size_t{20000}}) {
      for (const std::size_t message : {std::size_t{64}, std::size_t{4096}, std::size_t{1} << 26}) {
        if (n > 1000 && message == 64) continue;
        CAPTURE(ranks, n, message);
        const std::vector<double> expected = summed_in_rank_order(ranks, n);
        std::atomic<int> right = 0;
        on_ranks(ranks, [&](Group& group) {
          std::vector<double> values = values_of(group.rank(), n);
          group.allreduce(values);
          right += same_bytes(values, expected) ? 1 : 0;
        }, {message, 4});
        CHECK(right == ranks);
      }
    }
  }
}

TEST_CASE("bytes, texts and collections arrive whole, in pieces of any size") {
  for (const std::size_t message : {std::size_t{8}, std::size_t{100}, std::size_t{1} << 26}) {
    on_ranks(3, [&](Group& group) {
      std::vector<char> bytes(1001);
      if (group.rank() == 2) {
        for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i % 251);
      }
      group.broadcast(std::as_writable_bytes(std::span(bytes)), 2);
      for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (bytes[i] != static_cast<char>(i % 251)) throw std::runtime_error("broadcast");
      }
      const std::string own(static_cast<std::size_t>(group.rank()) * 50, static_cast<char>('a' + group.rank()));
      const std::vector<std::string> all = group.share(own);
      if (all != std::vector<std::string>{"", std::string(50, 'b'), std::string(100, 'c')}) throw std::runtime_error("share");
      const auto collected = group.collect(std::as_bytes(std::span(own)));
      if (collected.size() != (group.is_root() ? 3u : 0u)) throw std::runtime_error("collect");
      for (std::size_t r = 0; r < collected.size(); ++r) {
        const std::string text(reinterpret_cast<const char*>(collected[r].data()), collected[r].size());
        if (text != all[r]) throw std::runtime_error("collected");
      }
      group.leave();
    }, {message, 4});
  }
}

// What main does with a rank's work: its ending, and what it would say.
struct Ended {
  Ending ending;
  bool failed = false;
};

std::vector<Ended> endings(int ranks, const std::function<void(Group&)>& work, const GroupOptions& options = {}) {
  std::vector<Ended> all(static_cast<std::size_t>(ranks));
  on_ranks(ranks, [&](Group& group) {
    Ended& mine = all[static_cast<std::size_t>(group.rank())];
    try {
      work(group);
    } catch (const Error& e) {
      mine = {group.fail({e.fault(), 0, e.problems()}), true};
    }
    if (!mine.failed || mine.ending.agreed) group.leave();
  }, options);
  return all;
}

TEST_CASE("one rank's failure is every rank's, in its words, said once") {
  const auto all = endings(3, [](Group& group) {
    std::vector<double> v(10, 1.0);
    group.allreduce(v);
    if (group.rank() == 2) throw user_error("train/part.csv:7: column 3 is odd");
    group.allreduce(v);  // the others wait here
    group.barrier();
  });
  for (std::size_t rank = 0; rank < 3; ++rank) {
    CAPTURE(rank);
    CHECK(all[rank].failed);
    CHECK(all[rank].ending.agreed);
    CHECK(all[rank].ending.speaks == (rank == 0));
    CHECK(all[rank].ending.failure.fault == Fault::user);
    CHECK(all[rank].ending.failure.problems == std::vector<std::string>{"rank 2: train/part.csv:7: column 3 is odd"});
  }
}

TEST_CASE("of several failures the lowest rank's is told; one that all have is nobody's") {
  const auto some = endings(3, [](Group& group) {
    if (group.rank() > 0) throw machine_error("disk {} is full", group.rank());
    group.barrier();
  });
  for (const Ended& e : some) CHECK(e.ending.failure.problems == std::vector<std::string>{"rank 1: disk 1 is full"});
  const auto every = endings(3, [](Group&) { throw Error(Fault::user, {std::string("k is missing"), std::string("no output")}); });
  for (const Ended& e : every) CHECK(e.ending.failure.problems == std::vector<std::string>{"k is missing", "no output"});
}

TEST_CASE("a rank that does something else than the others is a fault of ours, told by all") {
  const auto all = endings(2, [](Group& group) {
    std::vector<double> v(group.is_root() ? 3 : 4);
    group.allreduce(v);
  });
  for (const Ended& e : all) {
    CHECK(e.ending.failure.fault == Fault::internal);
    CHECK_THAT(e.ending.failure.problems.at(0), Catch::Contains("different things"));
  }
}

TEST_CASE("a failed rank that nobody hears speaks for itself") {
  std::vector<Ended> all(2);
  on_ranks(2, [&](Group& group) {
    if (group.is_root()) return;  // busy for ever
    all[1] = {group.fail({Fault::user, 0, {"bad row"}}), true};
  }, {64, 0.1});
  CHECK(all[1].ending.speaks);
  CHECK_FALSE(all[1].ending.agreed);
  CHECK(all[1].ending.failure.problems == std::vector<std::string>{"rank 1: bad row"});
}

TEST_CASE("a rank cut off by a signal has nothing to say") {
  std::vector<Ended> all(2);
  WatchOptions hasty;
  hasty.after_signal = 0.05;
  Watch watch(hasty);
  request_stop(15);
  try {
    for (int i = 0; i < 100; ++i) {
      watch.waits(i * 0.01);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    FAIL("waits for ever");
  } catch (const Error& e) {
    CHECK(e.fault() == Fault::interrupted);
    CHECK(e.exit_code() == 143);
    CHECK(e.problems().empty());
    CHECK(watch.gave_up() == Watch::GaveUp::signal);
  }
  request_stop(0);
}

}  // namespace
}  // namespace smtrain::dist
