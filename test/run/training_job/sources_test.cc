// Sources: what a prefix and a manifest mean, which host reads what, in which order.
#include "run/training_job/sources.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/error.h"
#include "base/temporary_folder.h"

using namespace smtrain;
using namespace smtrain::run::training_job;

namespace {

class Data {
 public:
  std::string write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = folder_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }
  std::string path(const std::string& name = "") const { return folder_.path().string() + "/" + name; }

 private:
  test::TemporaryFolder folder_;
};

Channel channel(SourceKind kind, const std::string& path) {
  Channel c;
  c.name = "train";
  c.kind = kind;
  c.path = path;
  return c;
}

std::vector<std::string> names(const Source& source) {
  std::vector<std::string> out;
  for (const Entry& e : source.entries) out.push_back(e.name);
  return out;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("sources: a prefix is a folder, a file, or the beginning of several paths", "[run][training_job]") {
  const Data data;
  for (const char* name : {"train/b", "train/a/x", "train2/x", "trainer", "other"}) data.write(name, "12345");
  CollectedLog log;
  const TrainingJobRequest request;
  const auto listed = [&](const std::string& path) { return list_source(channel(SourceKind::prefix, data.path(path)), request, log); };
  CHECK(names(listed("train/")) == Names{"a/x", "b"});
  CHECK(names(listed("train")) == Names{"a/x", "b"});  // a folder that is there is meant alone
  CHECK(listed("train").bytes() == 10);
  CHECK(names(listed("trainer")) == Names{"trainer"});
  CHECK(log.lines.empty());
  CHECK(names(listed("trai")) == Names{"train/a/x", "train/b", "train2/x", "trainer"});
  REQUIRE(log.lines.size() == 1);
  CHECK_THAT(log.lines[0].second, Catch::Contains("4 objects whose paths begin with"));
}

TEST_CASE("sources: nothing under a prefix is the user's error", "[run][training_job]") {
  const Data data;
  std::filesystem::create_directories(data.path("empty"));
  NullLog log;
  for (const char* path : {"empty", "none", "none/"}) {
    CHECK_THROWS_WITH(list_source(channel(SourceKind::prefix, data.path(path)), {}, log), Catch::StartsWith("channel train: no object found under"));
  }
}

TEST_CASE("sources: a manifest lists its objects in order", "[run][training_job]") {
  const Data data;
  for (const char* name : {"a/part-0", "b/part-1", "c"}) data.write(name, name);
  NullLog log;
  const auto listed = [&](const std::string& text) {
    return list_source(channel(SourceKind::manifest, data.write("m.json", text)), {}, log);
  };
  const Source source = listed("[{\"prefix\": \"file://" + data.path() + "\"}, \"b/part-1\", \"a/part-0\"]");
  CHECK(names(source) == Names{"b/part-1", "a/part-0"});
  CHECK(source.entries[1].pieces[0].path == data.path("a/part-0"));
  CHECK(names(listed("[{\"prefix\": \"" + data.path("b/par") + "\"}, \"t-1\"]")) == Names{"t-1"});  // no slash is added
  CHECK(names(listed("[{\"prefix\": \"" + data.path("b/") + "\"}, \"../c\"]")) == Names{"c"});
  CHECK_THROWS_WITH(listed("{}"), Catch::Contains("expected a JSON array"));
  CHECK_THROWS_WITH(listed("[\"a\"]"), Catch::Contains("element 0"));
  CHECK_THROWS_WITH(listed("[{\"prefix\": \"" + data.path() + "\"}, \"none\"]"), Catch::Contains("No such file"));
  CHECK_THROWS_WITH(listed("[{\"prefix\": \"" + data.path() + "\"}, \"c\", \"c\"]"), Catch::Contains("element 2: \"c\" is listed twice"));
  CHECK_THROWS_WITH(listed("[{\"prefix\": \"" + data.path() + "\"}]"), Catch::Contains("no object found"));
  CHECK_THROWS_WITH(listed("[{\"prefix\": \"s3://b/\"}, \"c\"]"), Catch::Contains("--map s3://b"));
}

TEST_CASE("sources: an augmented manifest gives its attributes in the order asked for", "[run][training_job]") {
  const Data data;
  data.write("one.jpg", "image");
  NullLog log;
  Channel c = channel(SourceKind::augmented_manifest, "");
  c.attributes = {"source-ref", "class", "box"};
  const auto listed = [&](const std::string& text) {
    c.path = data.write("m.jsonl", text);
    return list_source(c, {}, log);
  };
  const std::string image = data.path("one.jpg");
  const Source source = listed("{\"box\": {\"a\": [1, 2]}, \"class\": 3, \"source-ref\": \"" + image + "\", \"x\": 0}\n\n{\"box\": null, \"class\": \"cat\", \"source-ref\": \"" +
                               image + "\"}");
  REQUIRE(source.entries.size() == 2);
  CHECK(source.entries[0].pieces[0].path == image);
  CHECK(source.entries[0].pieces[1].text == "3");
  CHECK(source.entries[0].pieces[2].text == "{\"a\":[1,2]}");
  CHECK(source.entries[1].pieces[1].text == "cat");
  CHECK(source.entries[1].name == "line 3");
  CHECK_THROWS_WITH(listed("{\"class\": 1}\n"), Catch::Contains("m.jsonl:1: has no attribute \"source-ref\""));
  CHECK_THROWS_WITH(listed("\nno\n"), Catch::Contains("m.jsonl:2: expected a JSON object"));
  CHECK_THROWS_WITH(listed("{\"source-ref\": \"/none/x\", \"class\": 1, \"box\": 1}\n"), Catch::Contains("there is no file \"/none/x\""));
}

TEST_CASE("sources: five objects over three hosts are disjoint and complete in every epoch", "[run][training_job]") {
  Channel c = channel(SourceKind::prefix, "");
  c.sharded = true;
  for (const bool with_seed : {false, true}) {
    if (with_seed) c.shuffle_seed = 42;
    std::set<std::vector<std::size_t>> firsts;
    for (std::int64_t epoch = 0; epoch < 5; ++epoch) {
      std::multiset<std::size_t> seen;
      for (std::size_t host = 0; host < 3; ++host) {
        const auto share = entries_of(c, 5, host, 3, epoch);
        CHECK(share.size() == (host < 2 ? 2 : 1));
        seen.insert(share.begin(), share.end());
      }
      CHECK(seen == std::multiset<std::size_t>{0, 1, 2, 3, 4});
      firsts.insert(entries_of(c, 5, 0, 3, epoch));
    }
    CHECK((firsts.size() > 1) == with_seed);
  }
  CHECK(entries_of(channel(SourceKind::prefix, ""), 3, 1, 2, 0) == std::vector<std::size_t>{0, 1, 2});
}

TEST_CASE("sources: the shuffle is pinned, by values computed apart", "[run][training_job]") {
  using Order = std::vector<std::size_t>;
  CHECK(shuffled(8, 42, "train", 0) == Order{0, 4, 1, 3, 5, 7, 2, 6});
  CHECK(shuffled(8, 42, "train", 1) == Order{4, 5, 6, 0, 3, 2, 7, 1});
  CHECK(shuffled(8, 43, "train", 0) == Order{3, 1, 2, 7, 4, 6, 0, 5});
  CHECK(shuffled(8, 42, "test", 0) == Order{3, 5, 7, 1, 2, 6, 4, 0});
  CHECK(shuffled(0, 1, "train", 0).empty());
  CHECK(shuffled(1, 1, "train", 0) == Order{0});
}
