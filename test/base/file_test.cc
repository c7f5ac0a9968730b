#include "base/file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <thread>

#include "base/error.h"
#include "base/signals.h"
#include "base/temporary_folder.h"

namespace smtrain {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;
using test::TemporaryFolder;

std::vector<std::string> names_in(const TemporaryFolder& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder.path())) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

void write_whole(const fs::path& target, std::string_view text) {
  AtomicFile file(target);
  file.write(text);
  file.commit();
}

template <class F>
Error error_of(F&& body) {
  try {
    body();
  } catch (const Error& error) {
    return error;
  }
  return internal_error("nothing was thrown");
}

}  // namespace

TEST_CASE("an output appears only at commit, whole") {
  const TemporaryFolder folder;
  {
    AtomicFile file(folder / "out");
    file.write("hello ");
    CHECK_FALSE(fs::exists(folder / "out"));
    CHECK(folder.entries() == 1);
    file.write("world");
    CHECK(file.size() == 11);
    CHECK(file.seekable());
    file.commit();
  }
  CHECK(read_file(folder / "out") == "hello world");
  CHECK(folder.entries() == 1);
}

TEST_CASE("an output without commit leaves the old file and nothing else") {
  const TemporaryFolder folder;
  folder.put("out", "old");
  { AtomicFile(folder / "out").write("new"); }
  CHECK(read_file(folder / "out") == "old");
  CHECK(folder.entries() == 1);
  write_whole(folder / "out", "new");
  CHECK(read_file(folder / "out") == "new");
}

TEST_CASE("temporaries are hidden and two writers of one target do not meet") {
  const TemporaryFolder folder;
  AtomicFile a(folder / "out"), b(folder / "out");
  CHECK(folder.entries() == 2);
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    CHECK(entry.path().filename().string().starts_with(".out.tmp-" + std::to_string(getpid()) + "-"));
  }
  a.write("a");
  b.write("b");
  a.commit();
  b.commit();
  CHECK(read_file(folder / "out") == "b");
}

TEST_CASE("the temporary's name ends as asked for") {
  const TemporaryFolder folder;
  AtomicFile file(folder / "out", ".sagemaker-ignore");
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    CHECK(entry.path().filename().string().ends_with(".sagemaker-ignore"));
  }
  CHECK(folder.entries() == 1);
  file.commit();
  CHECK(fs::exists(folder / "out"));
  CHECK(folder.entries() == 1);
}

TEST_CASE("a moved output is committed once and cleaned up once") {
  const TemporaryFolder folder;
  AtomicFile first(folder / "out");
  first.write(std::string("x"));
  {
    AtomicFile second(std::move(first));
    second.write("y");
    second.commit();
  }
  CHECK(read_file(folder / "out") == "xy");
}

TEST_CASE("outputs obey the umask") {
  const TemporaryFolder folder;
  const mode_t before = umask(027);
  write_whole(folder / "out", "x");
  umask(before);
  struct stat status = {};
  REQUIRE(stat((folder / "out").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0640);
}

TEST_CASE("a symbolic link stays one and its target is replaced") {
  const TemporaryFolder folder;
  folder.put("far/real", "old");
  fs::create_symlink("far/real", folder / "middle");
  fs::create_symlink("middle", folder / "link");
  write_whole(folder / "link", "new");
  CHECK(fs::is_symlink(folder / "link"));
  CHECK(fs::is_symlink(folder / "middle"));
  CHECK(read_file(folder / "far/real") == "new");
  fs::create_symlink("far/fresh", folder / "dangling");
  write_whole(folder / "dangling", "made");
  CHECK(read_file(folder / "far/fresh") == "made");
}

TEST_CASE("the longest name works and a longer one fails before any work") {
  const TemporaryFolder folder;
  std::string name(NAME_MAX - 1, 'n');
  name[200] = '\xC3';
  name[201] = '\xBC';
  name += 'm';
  REQUIRE(name.size() == NAME_MAX);
  write_whole(folder / name, "x");
  CHECK(read_file(folder / name) == "x");
  const Error error = error_of([&] { AtomicFile file(folder / (name + "x")); });
  CHECK(error.fault() == Fault::user);
  CHECK_THAT(error.what(), Contains("File name too long"));
}

TEST_CASE("a relative target stays where it was when the working folder changes") {
  const TemporaryFolder folder;
  fs::create_directories(folder / "elsewhere");
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  {
    AtomicFile file("out");
    file.write("x");
    fs::current_path(folder / "elsewhere");
    file.commit();
  }
  fs::current_path(before);
  CHECK(read_file(folder / "out") == "x");
}

TEST_CASE("a missing folder is the user's fault and is named") {
  const TemporaryFolder folder;
  const Error error = error_of([&] { AtomicFile file(folder / "no/out"); });
  CHECK(error.fault() == Fault::user);
  CHECK_THAT(error.what(), Contains("cannot write \"" + (folder / "no/out").string() + "\": No such file or directory"));
  CHECK_THAT(error.what(), Contains("create the folder"));
  CHECK_THAT(error_of([&] { AtomicFile file(folder.path()); }).what(), Contains("Is a directory"));
}

TEST_CASE("a full device is the machine's fault and names path and cause") {
  if (access("/dev/full", W_OK) != 0) {
    WARN("no /dev/full here: skipped");
    return;
  }
  const Error error = error_of([] {
    AtomicFile file("/dev/full");
    file.write("x");
    file.commit();
  });
  CHECK(error.fault() == Fault::machine);
  CHECK(std::string(error.what()) == "cannot write \"/dev/full\": No space left on device");
}

TEST_CASE("a write that fails half way leaves nothing behind") {
  const TemporaryFolder folder;
  folder.put("out", "old");
  rlimit before = {};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small = {1 << 16, before.rlim_max};
  struct sigaction ignored = {}, old = {};
  ignored.sa_handler = SIG_IGN;
  sigaction(SIGXFSZ, &ignored, &old);
  setrlimit(RLIMIT_FSIZE, &small);
  const Error error = error_of([&] { write_whole(folder / "out", std::string(1 << 17, 'x')); });
  setrlimit(RLIMIT_FSIZE, &before);
  sigaction(SIGXFSZ, &old, nullptr);
  CHECK(error.fault() == Fault::machine);
  CHECK_THAT(error.what(), Contains("File too large"));
  CHECK(read_file(folder / "out") == "old");
  CHECK(folder.entries() == 1);
}

TEST_CASE("blocks written at offsets by several threads make one file") {
  const TemporaryFolder folder;
  constexpr std::size_t kBlock = std::size_t{3} << 20;
  {
    AtomicFile file(folder / "out");
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < 4; ++i) {
      threads.emplace_back([&file, i] { file.write_at(i * kBlock, std::string(kBlock, static_cast<char>('a' + i))); });
    }
    for (std::thread& thread : threads) thread.join();
    file.commit();
  }
  const std::string text = read_file(folder / "out");
  REQUIRE(text.size() == 4 * kBlock);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(text.find_first_not_of(static_cast<char>('a' + i), i * kBlock) == (i == 3 ? std::string::npos : (i + 1) * kBlock));
  }
}

TEST_CASE("a FIFO is written to directly") {
  const TemporaryFolder folder;
  REQUIRE(mkfifo((folder / "fifo").c_str(), 0600) == 0);
  std::string text;
  std::thread reader([&] { text = read_file(folder / "fifo"); });
  AtomicFile file(folder / "fifo");
  CHECK_FALSE(file.seekable());
  CHECK_THROWS_AS(file.write_at(0, std::string("x")), Error);
  file.write("through");
  file.commit();
  reader.join();
  CHECK(text == "through");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a reader that has gone is told from a fault") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  struct sigaction ignored = {}, old = {};
  ignored.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignored, &old);
  const std::string name = "/dev/fd/" + std::to_string(ends[1]);
  close(ends[0]);
  const Error error = error_of([&] { AtomicFile(name).write("x"); });
  sigaction(SIGPIPE, &old, nullptr);
  close(ends[1]);
  CHECK(error.fault() == Fault::interrupted);
  CHECK(error.exit_code() == 128 + SIGPIPE);
}

TEST_CASE("a named descriptor goes on where it stands") {
  const TemporaryFolder folder;
  const UniqueFd fd(open((folder / "log").c_str(), O_WRONLY | O_CREAT, 0600));
  REQUIRE(::write(fd.get(), "first ", 6) == 6);
  write_whole("/dev/fd/" + std::to_string(fd.get()), "second");
  CHECK(read_file(folder / "log") == "first second");
}

TEST_CASE("temporaries of open outputs can be removed by a handler") {
  const TemporaryFolder folder;
  folder.put("out", "old");
  std::vector<AtomicFile> files;
  for (int i = 0; i < 5; ++i) files.emplace_back(folder / "out");
  CHECK(folder.entries() == 6);
  remove_temporaries();
  CHECK(folder.entries() == 1);
  CHECK(read_file(folder / "out") == "old");
}

TEST_CASE("several outputs appear together") {
  const TemporaryFolder folder;
  write_whole(folder / "b", "old");
  AtomicFile a(folder / "a"), b(folder / "b");
  a.write("1");
  b.write("2");
  AtomicFile* const both[] = {&a, &b};
  commit_together(both);
  CHECK(read_file(folder / "a") == "1");
  CHECK(read_file(folder / "b") == "2");
  CHECK(names_in(folder) == std::vector<std::string>{"a", "b"});
  CHECK_FALSE(files_get_names());
}

TEST_CASE("where one of several outputs cannot appear, none does, and the old ones stand") {
  const TemporaryFolder folder;
  write_whole(folder / "a", "old");
  {
    AtomicFile a(folder / "a"), b(folder / "b"), c(folder / "c");
    for (AtomicFile* file : {&a, &b, &c}) file->write("new");
    fs::create_directory(folder / "c");
    AtomicFile* const all[] = {&a, &b, &c};
    CHECK_THROWS_WITH(commit_together(all), Contains("/c\""));
    CHECK(read_file(folder / "a") == "old");
    CHECK_FALSE(fs::exists(folder / "b"));
  }
  CHECK(names_in(folder) == std::vector<std::string>{"a", "c"});
  CHECK_FALSE(files_get_names());
}

TEST_CASE("a handler removes folders: temporary ones whole, made ones when nothing is in them") {
  const TemporaryFolder folder;
  folder.write("tree/a/b/c", "1");
  folder.write("tree/d", "2");
  folder.write("elsewhere", "3");
  fs::create_symlink(folder / "elsewhere", folder / "tree/link");
  fs::create_directories(folder / "made/empty");
  folder.write("kept/file", "4");
  remember_leftover(folder / "tree", Leftover::folder);
  for (const char* name : {"made", "made/empty", "kept"}) remember_leftover(folder / name, Leftover::empty_folder);
  remove_temporaries();
  CHECK(names_in(folder) == std::vector<std::string>{"elsewhere", "kept"});
  CHECK(fs::exists(folder / "kept/file"));
  for (const char* name : {"tree", "made", "made/empty", "kept"}) forget_leftover(folder / name);
}

TEST_CASE("more outputs than the registry has places for are written all the same") {
  const TemporaryFolder folder;
  std::vector<AtomicFile> files;
  for (int i = 0; i < 100; ++i) {
    files.emplace_back(folder / std::to_string(i));
    files.back().write("x");
  }
  for (AtomicFile& file : files) file.commit();
  CHECK(folder.entries() == 100);
}

TEST_CASE("opening what cannot be read names the path, the cause and the user") {
  const TemporaryFolder folder;
  const Error missing = error_of([&] { open_for_reading(folder / "none"); });
  CHECK(missing.fault() == Fault::user);
  CHECK(std::string(missing.what()) == "cannot read \"" + (folder / "none").string() + "\": No such file or directory");
  CHECK_THAT(error_of([&] { open_for_reading(folder.path()); }).what(), Contains("Is a directory"));
}

TEST_CASE("a file is read up to its limit and no further") {
  const TemporaryFolder folder;
  const std::string text(300000, 't');
  folder.put("in", text);
  CHECK(read_file(folder / "in") == text);
  CHECK(read_file(folder / "in", text.size()) == text);
  const Error error = error_of([&] { read_file(folder / "in", text.size() - 1); });
  CHECK(error.fault() == Fault::user);
  CHECK_THAT(error.what(), Contains("too large"));
  folder.put("empty", "");
  CHECK(read_file(folder / "empty").empty());
  CHECK_FALSE(read_file("/proc/self/status").empty());
}

TEST_CASE("short reads are joined and the end of the file shortens the last") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  std::thread writer([fd = ends[1]] {
    for (int i = 0; i < 10; ++i) {
      if (::write(fd, "0123456789", 10) != 10) break;
      std::this_thread::yield();
    }
    close(fd);
  });
  std::array<char, 64> block{};
  CHECK(read_fully(ends[0], block, "pipe") == 64);
  CHECK(read_fully(ends[0], block, "pipe") == 36);
  CHECK(read_fully(ends[0], block, "pipe") == 0);
  writer.join();
  close(ends[0]);
  CHECK_THROWS_AS(read_fully(-1, block, "nothing"), Error);
}

TEST_CASE("a FIFO opens before its writer, is read whole, and a stop ends the wait for a writer") {
  const TemporaryFolder folder;
  REQUIRE(mkfifo((folder / "fifo").c_str(), 0600) == 0);
  const UniqueFd fd = open_for_reading(folder / "fifo");
  std::thread writer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    const UniqueFd out(open((folder / "fifo").c_str(), O_WRONLY));
    if (::write(out.get(), "late", 4) != 4) std::abort();
  });
  std::array<char, 16> block{};
  CHECK(read_fully(fd.get(), block, "fifo") == 4);
  writer.join();

  const UniqueFd lonely = open_for_reading(folder / "fifo");
  request_stop(SIGTERM);
  const Error error = error_of([&] { read_fully(lonely.get(), block, "fifo"); });
  request_stop(0);
  CHECK(error.exit_code() == 128 + SIGTERM);
}

TEST_CASE("hard and symbolic links are the same file, copies are not") {
  const TemporaryFolder folder;
  const fs::path file = folder.put("a", "x"), copy = folder.put("b", "x");
  fs::create_hard_link(file, folder / "hard");
  fs::create_symlink(file, folder / "soft");
  CHECK(same_file(file, folder / "hard"));
  CHECK(same_file(file, folder / "soft"));
  CHECK(same_file(file, folder.path() / "." / "a"));
  CHECK_FALSE(same_file(file, copy));
  CHECK_FALSE(same_file(folder / "none", folder / "none"));
}

TEST_CASE("a scratch file has no name and lives in TMPDIR") {
  const TemporaryFolder folder;
  const char* before = std::getenv("TMPDIR");
  const std::string saved = before != nullptr ? before : "";
  setenv("TMPDIR", folder.path().c_str(), 1);
  {
    const UniqueFd scratch = open_scratch_file();
    CHECK(::write(scratch.get(), "x", 1) == 1);
    CHECK(folder.entries() == 0);
  }
  setenv("TMPDIR", (folder / "none").c_str(), 1);
  const Error error = error_of([] { open_scratch_file(); });
  before != nullptr ? setenv("TMPDIR", saved.c_str(), 1) : unsetenv("TMPDIR");
  CHECK(error.fault() == Fault::user);
  CHECK_THAT(error.what(), Contains("TMPDIR"));
}

TEST_CASE("a descriptor is closed once, by its last owner") {
  const TemporaryFolder folder;
  UniqueFd a = open_for_reading(folder.put("a", "x"));
  const int number = a.get();
  UniqueFd b(std::move(a));
  CHECK_FALSE(a);
  CHECK(fcntl(number, F_GETFD) >= 0);
  b = open_for_reading(folder / "a");
  CHECK(b.get() != number);
  CHECK(fcntl(number, F_GETFD) < 0);
}

}  // namespace smtrain
