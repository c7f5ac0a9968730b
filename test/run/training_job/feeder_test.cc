// Feeder: FIFOs per epoch, lazily, with what the stream of a channel must look like.
#include "run/training_job/feeder.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/error.h"
#include "base/temporary_folder.h"
#include "formats/io/compress.h"
#include "formats/recordio/framing.h"

using namespace smtrain;
using namespace smtrain::run::training_job;

namespace {

namespace fs = std::filesystem;

class Pipes {
 public:
  Pipes() : layout_(folder_.path() / "root") {
    layout_.make_folders();
    channel.name = "train";
    channel.mode = InputMode::pipe;
    channel.content_type = "text/csv";
  }
  void add(const std::string& name, const std::string& text) {
    const std::string path = (folder_.path() / name).string();
    std::ofstream(path, std::ios::binary) << text;
    source.entries.push_back({name, text.size(), {{path, ""}}});
  }
  FeedPlan plan() const { return {layout_, channel, &source, 0, 1}; }
  std::string fifo(int epoch) const { return layout_.fifo("train", epoch).string(); }

  /// Waits for the epoch's FIFO as a program does, and reads it to its end.
  std::string read(int epoch) const {
    for (int i = 0; i < 1000 && !fs::exists(fifo(epoch)); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::ifstream in(fifo(epoch), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  Channel channel;
  Source source;

 private:
  test::TemporaryFolder folder_;
  run::contract::Layout layout_;
};

bool wait_for(const std::function<bool()>& done) {
  for (int i = 0; i < 1000; ++i) {
    if (done()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

}  // namespace

TEST_CASE("feeder: every epoch streams the objects in order, with missing newlines", "[run][training_job]") {
  Pipes pipes;
  pipes.add("a", "1,2\n3,4");
  pipes.add("_SUCCESS", "");
  pipes.add("b", "5,6\n");
  pipes.add("c", "");
  pipes.add("d", "7,8");
  const Feeder feeder(pipes.plan());
  for (int epoch = 0; epoch < 3; ++epoch) CHECK(pipes.read(epoch) == "1,2\n3,4\n5,6\n7,8\n");
  feeder.check();
}

TEST_CASE("feeder: a FIFO comes when the one before it is opened, and all go at the end", "[run][training_job]") {
  Pipes pipes;
  pipes.add("a", std::string(1 << 20, 'x'));
  {
    const Feeder feeder(pipes.plan());
    CHECK(fs::is_fifo(pipes.fifo(0)));
    CHECK_FALSE(fs::exists(pipes.fifo(1)));
    std::ifstream in(pipes.fifo(0), std::ios::binary);
    CHECK(wait_for([&] { return fs::exists(pipes.fifo(1)); }));
    CHECK_FALSE(fs::exists(pipes.fifo(2)));
  }
  CHECK_FALSE(fs::exists(pipes.fifo(0)));
  CHECK_FALSE(fs::exists(pipes.fifo(1)));
}

TEST_CASE("feeder: a reader that closes early goes on with the next epoch", "[run][training_job]") {
  Pipes pipes;
  const std::string text = std::string(3 << 20, 'x') + "\n";
  pipes.add("a", text);
  const Feeder feeder(pipes.plan());
  {
    std::ifstream in(pipes.fifo(0), std::ios::binary);
    char c = 0;
    in.get(c);
    CHECK(c == 'x');
  }
  CHECK(pipes.read(1) == text);
  feeder.check();
}

TEST_CASE("feeder: bytes that are no text stay as they are", "[run][training_job]") {
  Pipes pipes;
  pipes.channel.content_type = "application/x-recordio-protobuf";
  pipes.add("a", "ab");
  pipes.add("b", std::string("c\0d", 3));
  const Feeder feeder(pipes.plan());
  CHECK(pipes.read(0) == std::string("abc\0d", 5));
}

TEST_CASE("feeder: gzip is decompressed where asked for, and only there", "[run][training_job]") {
  std::string packed;
  const std::string text = "1,2\n3,4";
  formats::append_compressed(formats::Compression::gzip, text, packed);
  Pipes pipes;
  pipes.add("a.csv.gz", packed);
  pipes.add("b.csv.gz", packed);
  SECTION("decompressed") {
    pipes.channel.gzip = true;
    const Feeder feeder(pipes.plan());
    CHECK(pipes.read(0) == "1,2\n3,4\n1,2\n3,4\n");
  }
  SECTION("as it is") {
    pipes.channel.content_type.reset();
    const Feeder feeder(pipes.plan());
    CHECK(pipes.read(0) == packed + packed);
  }
  SECTION("what is not gzip is the user's error") {
    pipes.channel.gzip = true;
    pipes.source.entries.clear();
    pipes.add("plain.csv", "1,2\n");
    const Feeder feeder(pipes.plan());
    CHECK(pipes.read(0).empty());
    CHECK(wait_for([&] {
      try {
        feeder.check();
        return false;
      } catch (const Error& e) {
        CHECK(e.fault() == Fault::user);
        CHECK_THAT(e.what(), Catch::Contains("is no gzip data"));
        return true;
      }
    }));
  }
}

TEST_CASE("feeder: RecordIO wraps each object and each attribute", "[run][training_job]") {
  Pipes pipes;
  pipes.channel.record_io = true;
  pipes.add("a", "abc");
  pipes.source.entries.push_back({"line 1", 0, {{"", "7"}, {"", "[1,2]"}}});
  const Feeder feeder(pipes.plan());
  std::string expected;
  for (const char* payload : {"abc", "7", "[1,2]"}) formats::recordio::append_frame(expected, payload, false);
  CHECK(pipes.read(0) == expected);
}

TEST_CASE("feeder: the order of a seed differs between epochs and repeats", "[run][training_job]") {
  Pipes pipes;
  pipes.channel.shuffle_seed = 7;
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g"}) pipes.add(name, std::string(name) + "\n");
  std::vector<std::string> first, second;
  for (auto* run : {&first, &second}) {
    const Feeder feeder(pipes.plan());
    for (int epoch = 0; epoch < 3; ++epoch) run->push_back(pipes.read(epoch));
  }
  CHECK(first == second);
  CHECK(first[0] != first[1]);
  CHECK(first[0].size() == 14);
}

TEST_CASE("feeder: ends at once when nobody reads, and in the middle of an epoch", "[run][training_job]") {
  Pipes pipes;
  pipes.add("a", std::string(1 << 22, 'x'));
  const auto start = std::chrono::steady_clock::now();
  { const Feeder feeder(pipes.plan()); }
  {
    const Feeder feeder(pipes.plan());
    std::ifstream in(pipes.fifo(0), std::ios::binary);
    CHECK(in.get() == 'x');
    // destroyed with the reader still there
    std::thread([] {}).join();
  }
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(3));
}
