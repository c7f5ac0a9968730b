#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "base/temporary_folder.h"
#include "formats/io/compress.h"
#include "job/model.h"
#include "run/console/collecting_console.h"
#include "run/inspect/inspect_help.h"

namespace smtrain {
namespace {

using Catch::Matchers::Contains;
using nlohmann::json;
using test::Answer;
using test::answer_to;
using test::CollectingConsole;
using test::TemporaryFolder;

Answer inspect(const std::string& path, bool as_json, const std::string& type = "", bool full = false, bool tensors = false,
               const std::string& label = "") {
  run::InspectRequest request;
  if (!label.empty()) request.label = label;
  request.path = path;
  if (!type.empty()) request.content_type = type;
  request.json = as_json;
  request.full = full;
  request.tensors = tensors;
  return answer_to(request);
}

TEST_CASE("inspect: columns are compared with a label", "[run][inspect]") {
  const TemporaryFolder folder;
  const std::string file = folder.write("a.csv", "y,up,down,same\n0,1,9,5\n1,2,6,5\n2,3,3,5\n");
  const json named = inspect(file, true, "text/csv;header=true;label_size=0", false, false, "y").parsed();
  CHECK(named["target"]["column"] == 0);
  CHECK(named["target"]["kind"] == "classes");
  CHECK(named["columns"][1]["correlation"] == 1.0);
  CHECK(named["columns"][2]["correlation"] == -1.0);
  CHECK(named["columns"][3]["correlation"].is_null());
  CHECK(inspect(file, true, "text/csv;header=true;label_size=0", false, false, "2").parsed()["columns"][1]["correlation"] == -1.0);
  const json labelled = inspect(file, true, "text/csv;header=true;label=y").parsed();
  CHECK(labelled["target"]["column"].is_null());
  CHECK(labelled["columns"][0]["correlation"] == 1.0);
  CHECK_FALSE(inspect(file, true, "text/csv;header=true;label_size=0").parsed().contains("target"));
  const Answer wrong = inspect(file, false, "text/csv;header=true;label_size=0", false, false, "upp");
  CHECK_THAT(wrong.problems.at(0), Contains("--label \"upp\"") && Contains("0 to 3; did you mean up?"));
  CHECK_THAT(inspect(file, false, "text/csv;header=true;label_size=0", false, false, "y").out, Contains("with y") && Contains("-1.000"));
}

TEST_CASE("inspect: statistics of a small CSV are exact", "[run][inspect]") {
  const TemporaryFolder folder;
  const std::string file = folder.write("a.csv", "0,1,10\n1,3,10\n0,8,10\n1,0,10.5\n");
  const json j = inspect(file, true, "text/csv;label_size=1").parsed();
  CHECK(j["schema"] == 1);
  CHECK(j["kind"] == "data");
  CHECK(j["records"] == json{{"count", 4}, {"exact", true}, {"read", 4}, {"in_statistics", 4}});
  CHECK(j["feature_dim"] == 2);
  CHECK(j["columns"][0]["min"] == 0);
  CHECK(j["columns"][0]["max"] == 8);
  CHECK(j["columns"][0]["mean"] == 3);
  CHECK(j["columns"][0]["std"].get<double>() == Approx(std::sqrt(38.0 / 3)));
  CHECK(j["columns"][0]["zeros"] == 1);
  CHECK(j["columns"][0]["integral"] == true);
  CHECK(j["columns"][1]["integral"] == false);
  CHECK(j["columns"][1]["max"] == 10.5);
  CHECK(j["labels"][0]["kind"] == "classes");
  CHECK(j["labels"][0]["classes"] == json::parse(R"([{"value":0.0,"count":2},{"value":1.0,"count":2}])"));
  CHECK(j["first_rows"][2] == json::parse("[8.0,10.0]"));
  CHECK(j["first_labels"][1] == json::parse("[1.0]"));
  CHECK(j["problems"].empty());
}

TEST_CASE("inspect: the text is aligned and at most 100 columns wide", "[run][inspect]") {
  const TemporaryFolder folder;
  std::string csv;
  for (int i = 0; i < 50; ++i) {
    for (int c = 0; c < 40; ++c) csv += fmt::format("{}{}", c == 0 ? "" : ",", 1234.5 * i * c - 7);
    csv += "\n";
  }
  const std::string out = inspect(folder.write("a.csv", csv), false).out;
  for (std::size_t at = 0; at < out.size();) {
    const std::size_t end = out.find('\n', at);
    if (at > 0) CHECK(end - at <= 102);  // an ellipsis is three bytes; the first line is the path
    CHECK((end == at || out[end - 1] != ' '));
    at = end + 1;
  }
  CHECK_THAT(out, Contains("records       50\n") && Contains("features      40 dense\n") && Contains("… 28 more columns"));
  CHECK_THAT(out, Contains("\n     1   -7   60484   30238   17996   0 %      0 %\n"));
}

TEST_CASE("inspect: missing and infinite values are counted, not refused", "[run][inspect]") {
  const TemporaryFolder folder;
  const json j = inspect(folder.write("a.csv", "1,\n2,nan\n3,inf\n4,5\n"), true, "text/csv;label_size=0").parsed();
  CHECK(j["problems"].empty());
  CHECK(j["columns"][1]["missing"] == 2);
  CHECK(j["columns"][1]["infinite"] == 1);
  CHECK(j["columns"][1]["values"] == 1);
  CHECK(j["columns"][1]["mean"] == 5);
  CHECK(j["first_rows"][0] == json::parse("[1.0,null]"));
  REQUIRE(j["algorithms"][0]["name"] == "kmeans");
  CHECK(j["algorithms"][0]["fits"] == false);
}

TEST_CASE("inspect: what an algorithm takes beyond the service is told from what it takes as it is", "[run][inspect]") {
  const TemporaryFolder folder;
  const json csv = inspect(folder.write("a.csv", "1,2\n3,4\n"), true).parsed()["algorithms"][0];
  CHECK(csv["fits"] == true);
  CHECK(csv["extension"] == false);
  CHECK(csv["content_type"].is_null());
  const std::string libsvm = folder.write("a.libsvm", "0 0:1 1:2\n1 0:2 1:1\n");
  const json beyond = inspect(libsvm, true).parsed()["algorithms"][0];
  CHECK(beyond["fits"] == true);
  CHECK(beyond["extension"] == true);
  CHECK(beyond["content_type"].is_null());
  CHECK_THAT(beyond["why"].get<std::string>(), Contains("the service takes application/x-recordio-protobuf, text/csv"));
  CHECK_THAT(inspect(libsvm, false).out, Contains("\n  kmeans                  yes\n                          the labels are not used; an extension: the service takes"));
}

TEST_CASE("inspect: a content type that training would not find out is named", "[run][inspect]") {
  const TemporaryFolder folder;
  const std::string header = folder.write("a.csv", "x;y\n4;5\n6;7\n");
  CHECK(inspect(header, true).parsed()["algorithms"][0]["content_type"] == "text/csv;delimiter=\";\";header=true");
  CHECK_THAT(inspect(header, false).out, Contains("kmeans                  yes, with --content-type \"text/csv;delimiter="));
  const std::string unnamed = folder.write("data", "{\"features\":[1,2]}\n");
  CHECK(inspect(unnamed, true).parsed()["algorithms"][0]["content_type"].is_null());
  CHECK(inspect(unnamed, true, "jsonl").parsed()["algorithms"][0]["content_type"].is_null());
  const std::string misnamed = folder.write("b.csv", "{\"features\":[1,2]}\n");
  CHECK(inspect(misnamed, true, "jsonl").parsed()["algorithms"][0]["content_type"] == "application/jsonlines");
}

TEST_CASE("inspect: data that is no table says why no algorithm takes it", "[run][inspect]") {
  const json images = inspect(std::string(SMTRAIN_TEST_DATA) + "/images", true).parsed();
  REQUIRE(images["algorithms"][0]["name"] == "kmeans");
  CHECK(images["algorithms"][0]["fits"] == false);
  CHECK(images["algorithms"][0]["why"] == "reads dense table, sparse table, not a folder of images");
}

TEST_CASE("inspect: a header line is found out and named columns shown", "[run][inspect]") {
  const TemporaryFolder folder;
  const Answer answer = inspect(folder.write("a.csv", "height,weight\n1.5,60\n1.75,70\n"), true);
  const json j = answer.parsed();
  CHECK(answer.problems.empty());
  CHECK(j["columns"][1]["name"] == "weight");
  CHECK(j["columns"][1]["mean"] == 65);
  CHECK(j["content_type"] == "text/csv;header=true");
  CHECK_THAT(j["notes"][0].get<std::string>(), Contains("header=true") && Contains("--content-type"));
}

TEST_CASE("inspect: semicolons and tabs are found out", "[run][inspect]") {
  const TemporaryFolder folder;
  CHECK(inspect(folder.write("a.csv", "1;2;3\n4;5;6\n"), true).parsed()["feature_dim"] == 3);
  CHECK(inspect(folder.write("b.csv", "1\t2\n4\t5\n"), true).parsed()["feature_dim"] == 2);
  CHECK(inspect(folder.write("c.csv", "x;y\n4;5\n"), true).parsed()["columns"][1]["name"] == "y");
}

TEST_CASE("inspect: what is wrong is part of the answer, with its place, and exits 2", "[run][inspect]") {
  const TemporaryFolder folder;
  const std::string file = folder.write("a.csv", "1,2\n3,4\n5,abc\n");
  const Answer answer = inspect(file, false, "text/csv;label_size=0");
  REQUIRE(answer.problems.size() == 1);
  CHECK_THAT(answer.problems[0], Contains("a.csv:3") && Contains("abc"));
  CHECK_THAT(answer.out, Contains("what is wrong\n  ") && Contains("a.csv:3"));
  CHECK(inspect(file, true, "text/csv;label_size=0").parsed()["problems"][0].get<std::string>() == answer.problems[0]);
}

TEST_CASE("inspect: problems in several places are all found with --full", "[run][inspect]") {
  const TemporaryFolder folder;
  std::string csv;
  for (int i = 0; i < 600000; ++i) csv += i == 10 || i == 590000 ? "1,x\n" : "1,2\n";
  const Answer answer = inspect(folder.write("a.csv", csv), true, "text/csv;label_size=0", true);
  REQUIRE(answer.problems.size() == 2);
  CHECK_THAT(answer.problems[0], Contains(":11:"));
  CHECK_THAT(answer.problems[1], Contains(":590001:"));
  CHECK(answer.parsed()["records"]["count"] == 600000);
  CHECK(answer.parsed()["records"]["in_statistics"] == 599998);
  CHECK(answer.parsed()["columns"][1]["values"] == 599998);
}

TEST_CASE("inspect: each bad record is named and the others are counted", "[run][inspect]") {
  const TemporaryFolder folder;
  std::string csv;
  for (int i = 1; i <= 1000; ++i) csv += i % 250 == 7 ? "1,x\n" : fmt::format("{},2\n", i);
  const Answer answer = inspect(folder.write("a.csv", csv), true, "text/csv;label_size=0");
  REQUIRE(answer.problems.size() == 4);
  for (int k = 0; k < 4; ++k) CHECK_THAT(answer.problems[static_cast<std::size_t>(k)], Contains(fmt::format(":{}:", 7 + 250 * k)));
  const json j = answer.parsed();
  CHECK(j["records"]["in_statistics"] == 996);
  CHECK(j["columns"][0]["mean"].get<double>() == Approx((500500.0 - 7 - 257 - 507 - 757) / 996));
  CHECK(j["first_rows"].size() == 5);
}

TEST_CASE("inspect: a file of nothing but bad records stops at twenty problems", "[run][inspect]") {
  const TemporaryFolder folder;
  std::string csv;
  for (int i = 0; i < 50000; ++i) csv += i < 1000 ? "1,2\n" : "no,numbers\n";
  const Answer answer = inspect(folder.write("a.csv", csv), true, "text/csv;label_size=0");
  CHECK(answer.problems.size() == 20);
  CHECK(answer.parsed()["more_problems"] == true);
}

TEST_CASE("inspect: a bad record in recordIO does not hide the others", "[run][inspect]") {
  const Answer answer = inspect(std::string(SMTRAIN_TEST_DATA) + "/recordio/sparse_label.pbr", true);
  const json j = answer.parsed();
  CHECK(answer.problems.size() == j["records"]["count"].get<std::size_t>() - j["records"]["in_statistics"].get<std::size_t>());
  CHECK(j["records"]["in_statistics"] > 0);
}

TEST_CASE("inspect: a large file is estimated from its beginning, close to the truth", "[run][inspect]") {
  const TemporaryFolder folder;
  std::string csv;
  std::size_t rows = 0;
  for (; csv.size() < (std::size_t{70} << 20); ++rows) csv += fmt::format("{},{},{}\n", rows % 977, rows % 13 * 0.5, rows % 2);
  const json quick = inspect(folder.write("a.csv", csv), true).parsed();
  CHECK(quick["records"]["exact"] == false);
  CHECK(quick["records"]["read"] < rows / 4);
  CHECK(quick["records"]["count"].get<double>() == Approx(static_cast<double>(rows)).epsilon(0.01));
  const json full = inspect(folder / "a.csv", true, "", true).parsed();
  CHECK(full["records"]["exact"] == true);
  CHECK(full["records"]["count"] == rows);
  CHECK(full["columns"][0]["mean"].get<double>() == Approx(488).epsilon(0.001));
}

TEST_CASE("inspect: compressed files in a folder are read as one table", "[run][inspect]") {
  const TemporaryFolder folder;
  std::string packed;
  formats::append_compressed(formats::Compression::gzip, std::string_view("1,2\n3,4\n"), packed);
  folder.write("in/a.csv.gz", packed);
  folder.write("in/b.csv.gz", packed);
  const json j = inspect(folder / "in", true).parsed();
  CHECK(j["compression"] == "gzip");
  CHECK(j["files"].size() == 2);
  CHECK(j["files"][1]["records_read"] == 2);
  CHECK(j["records"]["count"] == 4);
}

TEST_CASE("inspect: an empty file and a file of another kind say what they are", "[run][inspect]") {
  const TemporaryFolder folder;
  CHECK_THROWS_AS(inspect(folder / "absent", false).problems.at(1), std::out_of_range);
  CHECK_THAT(inspect(folder / "absent", false).problems.at(0), Contains("absent"));
  CHECK_THAT(inspect(folder.write("p.bin", "ARROW1abcd"), false).problems.at(0), Contains("Arrow"));
  CHECK_THAT(inspect(folder.write("e.csv", ""), false).problems.at(0), Contains("e.csv"));
}

TEST_CASE("inspect: statistics do not depend on the number of threads", "[run][inspect]") {
  const TemporaryFolder folder;
  std::string csv;
  for (int i = 0; i < 400000; ++i) csv += fmt::format("{},{}\n", 1e6 + i * 0.1, i % 1000);
  run::InspectRequest request;
  request.path = folder.write("a.csv", csv);
  request.json = true;
  std::string first;
  for (const int threads : {1, 2, 5}) {
    request.common.threads.value = threads;
    CollectingConsole console;
    run::inspect(request, console);
    if (first.empty()) first = console.out;
    CHECK(console.out == first);
  }
  // A large mean beside a small spread: what sums of squares lose.
  CHECK(json::parse(first)["columns"][0]["std"].get<double>() == Approx(11547.0).epsilon(0.001));
}

job::Model small_model() {
  job::Model model;
  model.manifest.algorithm = "unheard-of";
  model.manifest.smtrain_version = "9.9";
  model.manifest.hyperparameters = {{"k", "2"}};
  model.manifest.given = {{"k", "auto"}};
  model.manifest.metrics = {{"test:msd", 1.5}};
  const float centers[] = {1, 2, 3, 4, 5, 6.5};
  model.tensors = {formats::NamedTensor::f32("centers", {2, 3}, centers)};
  model.files = {{"notes.txt", "hello"}};
  return model;
}

TEST_CASE("inspect: a model shows manifest, tensors and members; one nobody knows exits 2", "[run][inspect]") {
  const TemporaryFolder folder;
  job::write_model(folder / "m.tar.gz", small_model());
  const Answer answer = inspect(folder / "m.tar.gz", true, "", false, true);
  const json j = answer.parsed();
  CHECK(j["schema"] == 1);
  CHECK(j["kind"] == "model");
  CHECK(j["algorithm"] == "unheard-of");
  CHECK(j["hyperparameters"]["k"] == "2");
  CHECK(j["given"]["k"] == "auto");
  CHECK(j["metrics"]["test:msd"] == 1.5);
  CHECK(j["tensors"][0]["shape"] == json::parse("[2,3]"));
  CHECK(j["tensors"][0]["values"] == json::parse("[[1.0,2.0,3.0],[4.0,5.0,6.5]]"));
  REQUIRE(answer.problems.size() == 1);
  CHECK_THAT(answer.problems[0], Contains("unheard-of"));
  const std::string text = inspect(folder / "m.tar.gz", false).out;
  CHECK_THAT(text, Contains("2 (given: auto)") && Contains("2 x 3") && Contains("notes.txt") && Contains("smtrain 9.9"));
}

TEST_CASE("inspect: a model of the service is recognised", "[run][inspect]") {
  const json j = inspect(std::string(SMTRAIN_TEST_DATA) + "/models/service/kmeans-model.tar.gz", true).parsed();
  CHECK(j["algorithm"] == "kmeans");
  CHECK(j["written_by"] == "other");
  CHECK(j["members"][0]["name"] == "model_algo-1");
  CHECK(j["tensors"].size() >= 1);
}

}  // namespace
}  // namespace smtrain
