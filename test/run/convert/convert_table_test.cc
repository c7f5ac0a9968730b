#include <catch2/catch.hpp>
#include <filesystem>
#include <thread>

#include "base/error.h"
#include "job/model.h"
#include "run/convert/convert_help.h"

namespace smtrain {
namespace {

using Catch::Matchers::Contains;
using test::CollectingConsole;
using test::converted;
using test::request;
using test::TemporaryFolder;

std::string numbers_csv(std::size_t rows, std::size_t cols) {
  std::string text;
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < cols; ++j) text += fmt::format("{}{}", j == 0 ? "" : ",", static_cast<double>(i * cols + j) / 4);
    text += "\n";
  }
  return text;
}

// One Record with features values {1.5, -2} and label {3}, framed: written out by hand from the format's description.
const std::string kRecord =
    std::string("\x0a\x23\xd7\xce", 4) + std::string("\x2c\x00\x00\x00", 4) +                         // magic, 44 bytes
    std::string("\x0a\x16\x0a\x06values\x12\x0c\x12\x0a\x0a\x08\x00\x00\xc0\x3f\x00\x00\x00\xc0", 24) +  // features
    std::string("\x12\x12\x0a\x06values\x12\x08\x12\x06\x0a\x04\x00\x00\x40\x40", 20);               // label

TEST_CASE("convert: a CSV row with a label becomes the Record the format describes", "[run][convert]") {
  const TemporaryFolder folder;
  run::ConvertRequest r = request(folder.write("a.csv", "3,1.5,-2\n"), folder / "a.pbr");
  r.content_type = "text/csv;label_size=1";
  converted(r);
  CHECK(folder.read("a.pbr") == kRecord);
}

TEST_CASE("convert: CSV to recordIO and back gives the same text", "[run][convert]") {
  const TemporaryFolder folder;
  const std::string text = "0,1.5,-2\n1,3.25,1e-07\n0,123456,0.1\n";
  const std::string input = folder.write("a.csv", text);
  for (const std::string type : {"text/csv;label_size=1", "text/csv;label_size=0", "text/csv"}) {
    CAPTURE(type);
    run::ConvertRequest r = request(input, folder / "b.pbr");
    r.content_type = type;
    converted(r);
    converted(request(folder / "b.pbr", folder / "c.csv"));
    CHECK(folder.read("c.csv") == text);
  }
}

TEST_CASE("convert: a label named in the header goes first", "[run][convert]") {
  const TemporaryFolder folder;
  run::ConvertRequest r = request(folder.write("a.csv", "x,y,z\n1.5,7,2.5\n3.5,8,4.5\n"), folder / "b.csv");
  r.content_type = "text/csv;header=true;label=y";
  converted(r);
  CHECK(folder.read("b.csv") == "7,1.5,2.5\n8,3.5,4.5\n");
  r.to = "text/csv;header=true";
  converted(r);
  CHECK_THAT(folder.read("b.csv"), Catch::Matchers::StartsWith("label,x,z\n7,1.5,2.5\n"));
}

TEST_CASE("convert: tab-separated and compressed by suffix", "[run][convert]") {
  const TemporaryFolder folder;
  const std::string input = folder.write("a.tsv", "1.5\t2.5\n3.5\t4.5\n");
  converted(request(input, folder / "b.csv.gz"));
  converted(request(folder / "b.csv.gz", folder / "c.csv.zst"));
  converted(request(folder / "c.csv.zst", folder / "d.csv"));
  CHECK(folder.read("b.csv.gz").substr(0, 2) == "\x1f\x8b");
  CHECK(folder.read("c.csv.zst").substr(0, 4) == "\x28\xb5\x2f\xfd");
  CHECK(folder.read("d.csv") == "1.5,2.5\n3.5,4.5\n");
}

TEST_CASE("convert: the bytes do not depend on the number of threads", "[run][convert]") {
  const TemporaryFolder folder;
  const std::string input = folder.write("a.csv", numbers_csv(60000, 16));
  for (const std::string name : {"a.pbr", "b.csv", "b.csv.gz", "a.pbr.zst"}) {
    CAPTURE(name);
    converted(request(input, folder / name, 1));
    const std::string one = folder.read(name);
    for (const int threads : {2, 3, 7}) {
      converted(request(input, folder / name, threads));
      CHECK(folder.read(name) == one);
    }
  }
}

TEST_CASE("convert: a folder of files is one table, in path order", "[run][convert]") {
  const TemporaryFolder folder;
  folder.write("in/b.csv", "3,4\n");
  folder.write("in/a.csv", "1,2\n");
  folder.write("in/_ignored", "x\n");
  CollectingConsole console;
  run::convert(request(folder / "in", folder / "out.csv"), console);
  CHECK(folder.read("out.csv") == "1,2\n3,4\n");
  CHECK(console.last_records == 2);
  CHECK_THAT(console.log(Level::info), Contains("all columns are features") && Contains("2 records of 2 features"));
}

TEST_CASE("convert: input and output being one file is refused, and the input stays", "[run][convert]") {
  const TemporaryFolder folder;
  const std::string input = folder.write("a.csv", "1,2\n");
  std::filesystem::create_hard_link(input, folder / "hard.csv");
  std::filesystem::create_symlink(input, folder / "soft.csv");
  for (const std::string name : {"a.csv", "hard.csv", "soft.csv"}) {
    CHECK_THROWS_WITH(converted(request(input, folder / name)), Contains("same file"));
  }
  CHECK(folder.read("a.csv") == "1,2\n");
}

TEST_CASE("convert: a bad row is named and leaves the old output as it was", "[run][convert]") {
  const TemporaryFolder folder;
  const std::string input = folder.write("a.csv", numbers_csv(5000, 4) + "1,abc,3,4\n");
  folder.write("out.pbr", "old");
  CHECK_THROWS_WITH(converted(request(input, folder / "out.pbr")), Contains("a.csv:5001") && Contains("abc"));
  CHECK(folder.read("out.pbr") == "old");
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 2);
}

TEST_CASE("convert: formats that cannot be told are refused with what to say", "[run][convert]") {
  const TemporaryFolder folder;
  const std::string input = folder.write("a.csv", "1,2\n");
  CHECK_THROWS_WITH(converted(request(input, folder / "out.xyz")), Contains("--to"));
  CHECK_THROWS_WITH(converted(request(folder.write("b.dat", "ARROW1...."), folder / "out.csv")),
                    Contains("b.dat") && Contains("Arrow"));
  CHECK_THROWS_WITH(converted(request(folder / "absent.csv", folder / "out.csv")), Contains("absent.csv"));
}

TEST_CASE("convert: a depfile names every input", "[run][convert]") {
  const TemporaryFolder folder;
  folder.write("in/a b.csv", "1,2\n");
  folder.write("in/c.csv", "1,2\n");
  run::ConvertRequest r = request(folder / "in", folder / "out.csv");
  r.depfile = folder / "out.d";
  converted(r);
  CHECK_THAT(folder.read("out.d"), Contains("out.csv:") && Contains("/in/a\\ b.csv") && Contains("/in/c.csv"));
  r.output = "-";
  r.to = "text/csv";
  CHECK_THROWS_WITH(converted(r), Contains("--depfile"));
}

TEST_CASE("convert: CSV to JSON Lines and back gives the same text", "[run][convert]") {
  const TemporaryFolder folder;
  const std::string text = "0,1.5,-2\n1,3.25,1e-07\n";
  converted(request(folder.write("a.csv", text), folder / "b.jsonl"));
  CHECK_THAT(folder.read("b.jsonl"), Contains("[0.0,1.5,-2.0]") || Contains("[0,1.5,-2]"));
  converted(request(folder / "b.jsonl", folder / "c.csv"));
  CHECK(folder.read("c.csv") == text);
}

job::Model model_of(std::vector<formats::NamedTensor> tensors) {
  job::Model model;
  model.manifest.algorithm = "unheard-of";
  model.tensors = std::move(tensors);
  return model;
}

TEST_CASE("convert: the one matrix of a model, or the tensor named, becomes a table", "[run][convert]") {
  const TemporaryFolder folder;
  const float centers[] = {1, 2, 3, 4, 5, 6.5};
  const double counts[] = {7, 8};
  job::write_model(folder / "m.tar.gz", model_of({formats::NamedTensor::f32("centers", {2, 3}, centers),
                                                  formats::NamedTensor::f64("counts", {2}, counts)}));
  run::ConvertRequest r = request(folder / "m.tar.gz", folder / "out.csv");
  converted(r);
  CHECK(folder.read("out.csv") == "1,2,3\n4,5,6.5\n");
  r.to = "text/csv;tensor=counts";
  converted(r);
  CHECK(folder.read("out.csv") == "7\n8\n");
  r.to = "text/csv;tensor=absent";
  CHECK_THROWS_WITH(converted(r), Contains("\"absent\"") && Contains("centers (2 x 3), counts (2)"));
  job::write_model(folder / "m.tar.gz", model_of({}));
  CHECK_THROWS_WITH(converted(request(folder / "m.tar.gz", folder / "out.csv")), Contains("no tensors"));
}

}  // namespace
}  // namespace smtrain
