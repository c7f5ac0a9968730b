#include "algos/xgboost/tracker.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <numeric>
#include <set>
#include <thread>

#include "algos/xgboost/collective.h"
#include "algos/xgboost/tracker_protocol.h"
#include "base/error.h"

namespace smtrain::xgboost {
namespace {

using Catch::Matchers::Contains;

template <class Work>
std::string error_of(Work&& work) {
  try {
    work();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

// What a worker says, and what it is told.
class Script final : public Wire {
 public:
  Script& number(std::int32_t value) {
    said_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  Script& text(const std::string& value) {
    number(static_cast<std::int32_t>(value.size()));
    said_ += value;
    return *this;
  }
  void read(std::span<std::byte> into) override {
    if (into.size() > said_.size() - at_) throw machine_error("the script has ended");
    std::memcpy(into.data(), said_.data() + at_, into.size());
    at_ += into.size();
  }
  void write(std::span<const std::byte> bytes) override {
    const std::size_t at = heard_.size();
    heard_.resize(at + bytes.size());
    std::memcpy(heard_.data() + at, bytes.data(), bytes.size());
  }
  std::vector<std::int32_t> heard() const {
    std::vector<std::int32_t> numbers(heard_.size() / 4);
    std::memcpy(numbers.data(), heard_.data(), 4 * numbers.size());
    return numbers;
  }

 private:
  std::string said_, heard_;
  std::size_t at_ = 0;
};

TEST_CASE("xgboost tracker: a worker's first words", "[algos][xgboost]") {
  Script script;
  script.number(0xff99).number(-1).number(-1).text("abc-3").text("start");
  const Hello hello = read_hello(script);
  CHECK(hello.rank == -1);
  CHECK(hello.task == "abc-3");
  CHECK(hello.command == "start");
  CHECK(script.heard() == std::vector<std::int32_t>{0xff99});
  CHECK_THAT(error_of([] { Script s; s.number(0x12345678); read_hello(s); }), Contains("magic number 0x12345678; expected 0xff99"));
  CHECK_THAT(error_of([] { Script s; s.number(0xff99).number(-2); read_hello(s); }), Contains("rank -2"));
  CHECK_THAT(error_of([] { Script s; s.number(0xff99).number(0).number(1).number(1 << 30); read_hello(s); }), Contains("expected 0 to 256"));
  CHECK_THAT(error_of([] { Script s; s.number(0xff99).number(0).number(1).number(-5); read_hello(s); }), Contains("is -5"));
}

TEST_CASE("xgboost tracker: every worker is linked to the others' links, in a tree and a ring", "[algos][xgboost]") {
  for (const int size : {1, 2, 3, 4, 7, 16, 33}) {
    CAPTURE(size);
    for (int rank = 0; rank < size; ++rank) {
      const Place place = place_of(rank, size);
      CHECK((rank == 0) == (place.parent == -1));
      for (const int other : place.neighbours) {
        const std::vector<int> back = place_of(other, size).neighbours;
        CHECK(std::find(back.begin(), back.end(), rank) != back.end());
      }
      if (size == 1) continue;
      CHECK(place_of(place.behind, size).before == rank);
      // The root is reached along parents.
      int steps = 0;
      for (int at = rank; at != 0; at = place_of(at, size).parent) REQUIRE(++steps <= size);
    }
  }
}

TEST_CASE("xgboost tracker: a worker hears whom to connect to, and again after an error", "[algos][xgboost]") {
  const std::map<int, Address> listening{{0, {"h", 7000}}, {1, {"h", 7001}}};
  Script script;
  script.number(0).number(1);           // no good link, one error
  script.number(1).number(0).number(0);  // a good link to 0, no error
  script.number(7002);
  CHECK(introduce(script, 2, 4, listening) == 7002);
  // Rank 2 of 4: child of 0, without children; 1 before it and 3 behind it.
  std::int32_t h = 0;
  std::memcpy(&h, "h\0\0\0", 4);
  const std::vector<std::int32_t> heard = script.heard();
  REQUIRE(heard.size() > 9);
  CHECK(std::vector<std::int32_t>(heard.begin(), heard.begin() + 9) == std::vector<std::int32_t>{2, 0, 4, 1, 0, 1, 3, 2, 1});
  const auto refusal = [&](std::initializer_list<int> words) {
    Script bad;
    for (const int word : words) bad.number(word);
    return error_of([&] { introduce(bad, 2, 4, listening); });
  };
  CHECK_THAT(refusal({1, 2}), Contains("a link to rank 2"));
  CHECK_THAT(refusal({9}), Contains("the number of good links is 9; expected 0 to 3"));
  CHECK_THAT(refusal({0, 0, 70000}), Contains("port 70000"));
  CHECK_THAT(refusal({0, -1}), Contains("the number of errors is -1"));
  CHECK_THAT(refusal({0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2}), Contains("cannot reach"));
}

int connected(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
  return fd;
}

std::string arguments(const Tracker& tracker, const std::string& task) {
  return fmt::format(R"({{"xgboost_communicator":"rabit","DMLC_TRACKER_URI":"127.0.0.1","DMLC_TRACKER_PORT":"{}","DMLC_TASK_ID":"{}",)"
                     R"("DMLC_WORKER_CONNECT_RETRY":"1"}})", tracker.port(), task);
}

TEST_CASE("xgboost tracker: the engine's workers come together, strangers or not", "[algos][xgboost]") {
  const Library& library = Library::open();
  for (const int workers : {2, 5}) {
    Tracker tracker({"127.0.0.1", workers, "secret", 20});
    // One that says nothing, one that says something else, one that claims a rank without the token.
    const int silent = connected(tracker.port()), wrong = connected(tracker.port());
    REQUIRE(::send(wrong, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL) == 18);
    ::close(silent);
    std::vector<int> ranks(static_cast<std::size_t>(workers), -1), sizes(ranks);
    std::vector<std::thread> threads;
    for (int i = 0; i < workers; ++i) {
      threads.emplace_back([&, i] {
        library.listen();
        const Calls& calls = library.calls();
        if (calls.communicator_init(arguments(tracker, Tracker::task_name("secret", i)).c_str()) != 0) return;
        ranks[static_cast<std::size_t>(i)] = calls.communicator_rank();
        sizes[static_cast<std::size_t>(i)] = calls.communicator_size();
        calls.communicator_finalize();
      });
    }
    for (std::thread& thread : threads) thread.join();
    std::vector<int> expected(static_cast<std::size_t>(workers));
    std::iota(expected.begin(), expected.end(), 0);
    CHECK(ranks == expected);
    CHECK(sizes == std::vector<int>(static_cast<std::size_t>(workers), workers));
    CHECK(tracker.wait(5));
    CHECK(tracker.failure().empty());
    ::close(wrong);
  }
}

TEST_CASE("xgboost tracker: when workers do not come, those who have are sent away in time", "[algos][xgboost]") {
  Tracker tracker({"127.0.0.1", 2, "secret", 1});
  int result = 0;
  std::thread alone([&] {
    const Library& library = Library::open();
    library.listen();
    result = library.calls().communicator_init(arguments(tracker, "secret-0").c_str());
    library.calls().communicator_finalize();
  });
  alone.join();
  CHECK(result != 0);
  CHECK_FALSE(tracker.wait(5));
  CHECK_THAT(tracker.failure(), Contains("1 of 2 workers came within 1 s"));
}

TEST_CASE("xgboost tracker: it ends at once when it is not wanted any more", "[algos][xgboost]") {
  const auto begin = std::chrono::steady_clock::now();
  {
    Tracker tracker({"127.0.0.1", 3, "secret", 60});
    const int silent = connected(tracker.port());
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    CHECK_FALSE(tracker.wait(0.1));
    ::close(silent);
  }
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(4));
}

TEST_CASE("xgboost tracker: own addresses are no loopback", "[algos][xgboost]") {
  for (const std::string& address : own_addresses()) CHECK_FALSE(address.starts_with("127."));
}

}  // namespace
}  // namespace smtrain::xgboost
