#include "job/checkpoint.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <csignal>
#include <cstring>
#include <fstream>
#include <limits>

#include "base/error.h"
#include "base/file.h"
#include "base/temporary_folder.h"
#include "formats/archive/checksum.h"

namespace smtrain::job {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;
using test::TemporaryFolder;

constexpr std::uint64_t kLimit = std::uint64_t{1} << 30;

Checkpoint sample(std::int64_t step = 7) {
  Checkpoint c;
  c.identity.facts = {{"algorithm", "kmeans"}, {"hyperparameter k", "10"}};
  c.identity.soft = {{"kernels", "avx512"}};
  c.state.put("step", step);
  c.state.put("loss", 0.1);
  c.state.put("phase", std::string("epoch 1/3\0with a zero", 21));
  const std::vector<float> centers{1.5f, -0.0f, 3e-40f, 4, 5, 6};
  c.state.put("centers", {2, 3}, centers);
  const std::vector<double> weights{1.0 / 3};
  c.state.put("weights", {1}, weights);
  return c;
}

std::string message_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::user);
    std::string text;
    for (const std::string& problem : error.problems()) text += problem + "\n";
    return text;
  }
  return "nothing was thrown";
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

void spoil(const fs::path& path, std::size_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at));
  const char byte = static_cast<char>(file.get());
  file.seekp(static_cast<std::streamoff>(at));
  file.put(static_cast<char>(byte ^ 1));
}

std::int64_t step_of(const std::optional<FoundCheckpoint>& found) { return found ? found->checkpoint.state.integer("step") : -1; }

}  // namespace

TEST_CASE("crc32 of the usual nine digits", "[formats]") {
  CHECK(formats::crc32("123456789") == 0xCBF43926u);
  CHECK(formats::crc32("6789", formats::crc32("12345")) == 0xCBF43926u);
}

TEST_CASE("what a checkpoint holds comes back to the bit") {
  Checkpoint c = sample();
  const double odd[] = {0.1, -0.0, std::numeric_limits<double>::denorm_min(), std::numeric_limits<double>::infinity(),
                        std::bit_cast<double>(0x7ff4000000000123ull)};
  for (const double value : odd) c.state.put(fmt::format("odd {:x}", std::bit_cast<std::uint64_t>(value)), value);
  c.state.put("least", std::numeric_limits<std::int64_t>::min());
  const std::string bytes = write_checkpoint(c);
  const Checkpoint back = read_checkpoint(bytes, "x");
  CHECK(back.identity.facts == c.identity.facts);
  CHECK(back.identity.soft == c.identity.soft);
  for (const double value : odd) {
    const std::uint64_t bits = std::bit_cast<std::uint64_t>(value);
    CHECK(std::bit_cast<std::uint64_t>(back.state.number(fmt::format("odd {:x}", bits))) == bits);
  }
  CHECK(back.state.integer("least") == std::numeric_limits<std::int64_t>::min());
  CHECK(back.state.text("phase") == c.state.text("phase"));
  CHECK(back.state.tensors()[0].data == c.state.tensors()[0].data);
  CHECK(back.state.f64("weights", {1}) == std::vector<double>{1.0 / 3});
  CHECK(write_checkpoint(back) == bytes);
}

TEST_CASE("getters name the checkpoint and what is wrong") {
  State state = sample().state;
  state.set_source("ck/checkpoint-000003");
  for (const auto& [body, says] : std::vector<std::pair<std::function<void()>, std::string>>{
           {[&] { (void)state.integer("nothing"); }, "holds no value \"nothing\""},
           {[&] { (void)state.integer("loss"); }, "value \"loss\" is a number; expected an integer"},
           {[&] { (void)state.text("step"); }, "value \"step\" is an integer; expected a text"},
           {[&] { (void)state.f32("centers", {3, 2}); }, "is of shape (2, 3); expected (3, 2)"},
           {[&] { (void)state.f64("centers", {2, 3}); }, "holds F32; expected F64"},
           {[&] { (void)state.f32("nothing", {1}); }, "holds no tensor \"nothing\""}}) {
    CHECK_THAT(message_of(body), Contains("ck/checkpoint-000003") && Contains(says));
  }
  state.put("step", std::int64_t{-1});
  CHECK_THAT(message_of([&] { (void)state.count("step"); }), Contains("is -1"));
}

TEST_CASE("a checkpoint cut or changed anywhere is noticed") {
  const std::string bytes = write_checkpoint(sample());
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    CHECK_THROWS_AS(read_checkpoint(std::string_view(bytes).substr(0, length), "x"), Error);
  }
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const int bit : {1, 128}) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(changed[at] ^ bit);
      CHECK_THROWS_AS(read_checkpoint(changed, "x"), Error);
    }
  }
  CHECK_THROWS_AS(read_checkpoint(bytes + "x", "x"), Error);
}

TEST_CASE("lengths that a checkpoint claims are not believed") {
  std::string bytes = write_checkpoint(sample());
  // The length of the first entry's name, behind its kind; the checksum is made right again.
  for (const std::uint32_t claimed : {0xffffffffu, 0x7fffffffu}) {
    std::memcpy(bytes.data() + 33, &claimed, 4);
    const std::uint32_t crc = formats::crc32(std::string_view(bytes).substr(0, bytes.size() - 4));
    std::memcpy(bytes.data() + bytes.size() - 4, &crc, 4);
    CHECK_THAT(message_of([&] { (void)read_checkpoint(bytes, "here"); }), Contains("here: its entries are malformed"));
  }
}

TEST_CASE("differences name the fact and both values") {
  Identity saved{{{"algorithm", "kmeans"}, {"hyperparameter k", "10"}, {"channel train", "a"}}, {{"kernels", "avx2"}}};
  Identity now{{{"algorithm", "kmeans"}, {"hyperparameter k", "12"}, {"hyperparameter epochs", "3"}}, {{"kernels", "avx512"}}};
  CHECK(now.differences(saved, "channel ") == std::vector<std::string>{"hyperparameter epochs: not there in the checkpoint, 3 now",
                                                                      "hyperparameter k: 10 in the checkpoint, 12 now"});
  now.facts["channel train"] = "b";
  CHECK(now.differences(saved, "channel ").size() == 3);
  CHECK(now.soft_differences(saved) == std::vector<std::string>{"kernels: avx2 in the checkpoint, avx512 now"});
  CHECK(saved.differences(saved, "").empty());
}

TEST_CASE("the newest two are kept and the newest is found") {
  const TemporaryFolder folder;
  CollectedLog log;
  CHECK_FALSE(newest_checkpoint(folder.path() / "none", kLimit, log));
  Checkpointer keeper(folder.path() / "deep" / "er", "", log);
  CHECK_FALSE(keeper.newest(kLimit));
  CHECK(keeper.write(sample(1)) == "checkpoint-000001");
  keeper.start_write(sample(2));
  keeper.start_write(sample(3));
  CHECK(keeper.write(sample(4)) == "checkpoint-000004");
  CHECK_FALSE(keeper.busy());
  CHECK(names_in(keeper.folder()) == std::vector<std::string>{".lock", "checkpoint-000003", "checkpoint-000004"});
  CHECK(step_of(keeper.newest(kLimit)) == 4);
}

TEST_CASE("temporaries, marks of a copier and foreign files are no checkpoints; temporaries of the dead are removed") {
  const TemporaryFolder folder;
  NullLog log;
  for (const char* name : {".checkpoint-000009.tmp-12-00ff", ".checkpoint-000009.tmp-12-00ff.sagemaker-ignore",
                           "checkpoint-000009.sagemaker-uploading", "checkpoint-000009.sagemaker-uploaded", "checkpoint-9",
                           "checkpoint-00000x", "notes.txt"}) {
    std::ofstream(folder.path() / name) << "x";
  }
  Checkpointer keeper(folder.path(), ".sagemaker-ignore", log);
  CHECK_FALSE(keeper.newest(kLimit));
  CHECK(keeper.write(sample()) == "checkpoint-000001");
  CHECK(names_in(folder.path()) == std::vector<std::string>{".lock.sagemaker-ignore", "checkpoint-000001", "checkpoint-000009.sagemaker-uploaded",
                                                            "checkpoint-000009.sagemaker-uploading", "checkpoint-00000x", "checkpoint-9", "notes.txt"});
}

TEST_CASE("a damaged newest checkpoint falls back to the one before, with a word on it") {
  const TemporaryFolder folder;
  CollectedLog log;
  {
    Checkpointer keeper(folder.path(), "", log);
    keeper.write(sample(1));
    keeper.write(sample(2));
  }
  spoil(folder.path() / "checkpoint-000002", 60);
  Checkpointer keeper(folder.path(), "", log);
  CHECK(step_of(keeper.newest(kLimit)) == 1);
  REQUIRE_FALSE(log.lines.empty());
  CHECK(log.lines.back().first == Level::warning);
  CHECK_THAT(log.lines.back().second, Contains("checkpoint-000002: is damaged") && Contains("going on from checkpoint-000001"));
  // The good one stays until there is another good one beside the next.
  CHECK(keeper.write(sample(3)) == "checkpoint-000003");
  CHECK(names_in(folder.path()) == std::vector<std::string>{".lock", "checkpoint-000001", "checkpoint-000003"});
}

TEST_CASE("when all are damaged the folder is left as it is") {
  const TemporaryFolder folder;
  NullLog log;
  Checkpointer keeper(folder.path(), "", log);
  keeper.write(sample(1));
  keeper.write(sample(2));
  fs::resize_file(folder.path() / "checkpoint-000002", 50);
  fs::resize_file(folder.path() / "checkpoint-000001", 0);
  CHECK_THAT(message_of([&] { (void)keeper.newest(kLimit); }),
             Contains("checkpoint-000002") && Contains("checkpoint-000001") && Contains("remove them to start anew"));
  CHECK(names_in(folder.path()).size() == 3);
}

TEST_CASE("a second run in the same folder is refused while the first lives") {
  const TemporaryFolder folder;
  NullLog log;
  {
    Checkpointer first(folder.path(), "", log);
    const std::string said = message_of([&] { Checkpointer second(folder.path(), "", log); });
    CHECK_THAT(said, Contains("in use by another run") && Contains(std::to_string(getpid())));
  }
  CHECK_NOTHROW(Checkpointer(folder.path(), "", log));
}

TEST_CASE("a folder that cannot be written is refused at once") {
  const TemporaryFolder folder;
  NullLog log;
  std::ofstream(folder.path() / "file") << "x";
  CHECK_THAT(message_of([&] { Checkpointer(folder.path() / "file", "", log); }), Contains("--checkpoint-dir") && Contains("file"));
  if (geteuid() == 0) return;  // root may write anywhere
  fs::create_directory(folder.path() / "closed");
  fs::permissions(folder.path() / "closed", fs::perms::owner_read | fs::perms::owner_exec);
  CHECK_THAT(message_of([&] { Checkpointer(folder.path() / "closed", "", log); }), Contains("Permission denied"));
}

TEST_CASE("a file system that is full costs the checkpoint, not the one before") {
  const TemporaryFolder folder;
  // A limit on the size of files, in a process of its own.
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    CollectedLog log;
    Checkpointer keeper(folder.path(), "", log);
    keeper.write(sample(1));
    const rlimit little{100, 100};
    setrlimit(RLIMIT_FSIZE, &little);
    keeper.start_write(sample(2));
    std::string thrown;
    try {
      keeper.write(sample(3));
    } catch (const Error& error) {
      thrown = error.problems().front();
    }
    const bool warned = log.lines.size() > 0 && log.lines.back().second.find("checkpoint-000002") != std::string::npos;
    const bool named = thrown.find("checkpoint-000003") != std::string::npos && thrown.find("too large") != std::string::npos;
    _exit(warned && named && step_of(keeper.newest(kLimit)) == 1 ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(status == 0);
  CHECK(names_in(folder.path()) == std::vector<std::string>{".lock", "checkpoint-000001"});
}

}  // namespace smtrain::job
