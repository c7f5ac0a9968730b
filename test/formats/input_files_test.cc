#include "formats/io/input_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>

#include "formats/scratch_folder.h"
#include "formats/table_help.h"

using namespace smtrain;
using namespace smtrain::formats;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;

namespace {

/// Names below the folder, as expanded.
std::vector<std::string> names(const ScratchFolder& folder, const std::string& path) {
  std::vector<std::string> result;
  for (const InputFile& file : expand_path(path)) {
    CHECK(file.name == file.path);
    CHECK(file.path.starts_with(folder.path()));
    result.push_back(file.path.substr(folder.path().size() + 1));
  }
  return result;
}

std::string refusal(const std::string& path) {
  return error_of([&] { expand_path(path); });
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("input files: a file, with its size", "[formats][input_files]") {
  const ScratchFolder folder;
  folder.write("a.csv", "12345");
  const std::vector<InputFile> files = expand_path(folder / "a.csv");
  REQUIRE(files.size() == 1);
  CHECK(files[0].path == folder / "a.csv");
  CHECK(files[0].size == 5);
  CHECK(files[0].rewindable);
}

TEST_CASE("input files: a folder gives its files in byte order, without hidden and empty ones", "[formats][input_files]") {
  const ScratchFolder folder;
  for (const char* name : {"b.csv", "B.csv", "sub/a.csv", "sub/deep/c.csv", "sub.csv", ".hidden", "_SUCCESS", "_logs/x.csv", ".git/y"})
    folder.write(name, "1\n");
  folder.write("empty.csv", "");
  const Names expected{"B.csv", "b.csv", "sub.csv", "sub/a.csv", "sub/deep/c.csv"};
  CHECK(names(folder, folder.path()) == expected);
  CHECK(expand_path(folder.path() + "/").size() == 5);
}

TEST_CASE("input files: symbolic links are followed, and circles are not", "[formats][input_files]") {
  const ScratchFolder folder, other;
  other.write("data.csv", "1\n");
  folder.write("a.csv", "1\n");
  std::filesystem::create_directory_symlink(other.path(), folder / "linked");
  std::filesystem::create_directory_symlink(folder.path(), folder / "loop");
  CHECK(names(folder, folder.path()) == Names{"a.csv", "linked/data.csv"});
  std::filesystem::create_symlink("nowhere", folder / "dangling");
  CHECK_THAT(refusal(folder.path()), Contains("dangling: No such file"));
}

TEST_CASE("input files: globs, unless a file has that very name", "[formats][input_files]") {
  const ScratchFolder folder;
  for (const char* name : {"b1.csv", "a1.csv", "a2.csv", "x/a3.csv", "x/b4.csv", "_a.csv", "q?.csv", "q1.csv"}) folder.write(name, "1\n");
  folder.write("a9.csv", "");
  CHECK(names(folder, folder / "a*.csv") == Names{"a1.csv", "a2.csv"});
  CHECK(names(folder, folder / "[ab]1.csv") == Names{"a1.csv", "b1.csv"});
  CHECK(names(folder, folder / "*/b?.csv") == Names{"x/b4.csv"});
  CHECK(names(folder, folder / "x*") == Names{"x/a3.csv", "x/b4.csv"});
  CHECK(names(folder, folder / "_*.csv") == Names{"_a.csv"});
  CHECK(names(folder, folder / "q?.csv") == Names{"q?.csv"});
  CHECK_THAT(refusal(folder / "z*.csv"), Contains("no file matches"));
}

TEST_CASE("input files: standard input, FIFOs and URIs", "[formats][input_files]") {
  const ScratchFolder folder;
  CHECK(expand_path("-").at(0).name == "standard input");
  CHECK_FALSE(expand_path("-").at(0).rewindable);
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  const InputFile fifo = expand_path(folder / "pipe").at(0);
  CHECK_FALSE(fifo.rewindable);
  CHECK_FALSE(fifo.size.has_value());
  folder.write("a b.csv", "1\n");
  CHECK(expand_path("file://" + (folder / "a%20b.csv")).at(0).path == folder / "a b.csv");
  CHECK(expand_path("FILE://localhost" + (folder / "a b.csv")).at(0).path == folder / "a b.csv");
  CHECK_THAT(refusal("file://otherhost/x"), Contains("names no other machine"));
  CHECK_THAT(refusal("file:///a%2"), Contains("two hex digits"));
  CHECK_THAT(refusal("file:///a%00b"), Contains("not 00"));
  CHECK_THAT(refusal("s3://bucket/x"), Contains("only local files are read"));
}

TEST_CASE("input files: what is not there is refused with what is", "[formats][input_files]") {
  const ScratchFolder folder;
  folder.write("train/part-0.csv", "1\n");
  CHECK(refusal(folder / "train/part0.csv") ==
        (folder / "train/part0.csv") + ": No such file or directory; did you mean " + (folder / "train/part-0.csv") + "?");
  CHECK_THAT(refusal(folder / "trian/part-0.csv"), EndsWith("did you mean " + (folder / "train") + "?"));
  CHECK_THAT(refusal(folder / "train/part-0.csv/x"), Contains("Not a directory"));
  CHECK_THAT(refusal(""), Contains("empty"));
  std::filesystem::create_directory(folder / "none");
  CHECK_THAT(refusal(folder / "none"), Contains("the folder holds no file to read"));
}

TEST_CASE("input files: a file that may not be read is refused", "[formats][input_files]") {
  if (::geteuid() == 0) {
    WARN("skipped: root may read everything");
    return;
  }
  const ScratchFolder folder;
  folder.write("a.csv", "1\n");
  ::chmod((folder / "a.csv").c_str(), 0);
  CHECK_THAT(refusal(folder / "a.csv"), Contains("Permission denied"));
  CHECK_THAT(refusal(folder.path()), Contains("Permission denied"));
}
