#include "formats/text/csv_writer.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>

#include "formats/table_help.h"

using namespace smtrain;
using namespace smtrain::formats;
using Catch::Matchers::Contains;

namespace {

Batch dense(const std::vector<float>& values, std::size_t cols) {
  Batch batch;
  batch.cols = batch.ld = cols;
  batch.rows = values.size() / cols;
  batch.dense = values.data();
  return batch;
}

std::string written(const Batch& batch, const std::string& type, std::vector<std::string> names = {}) {
  CsvWriter writer({.type = parse_content_type(type), .recordio_split = false, .column_names = std::move(names)});
  std::string out;
  writer.begin(batch, out);
  writer.encode(batch, 0, batch.rows, out);
  writer.end(out);
  return out;
}

}  // namespace

TEST_CASE("csv writer: numbers in their shortest form", "[formats][csv_writer]") {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> v{0, -0.0f, 1, -17, 0.1f, 1e-5f, 1e20f, 16777216, -3.4028235e38f, 1e-45f, std::nanf(""), -inf};
  CHECK(written(dense(v, 12), "csv") == "0,-0,1,-17,0.1,1e-05,1e+20,16777216,-3.4028235e+38,1e-45,nan,-inf\n");
}

TEST_CASE("csv writer: labels first, strides, and only the rows asked for", "[formats][csv_writer]") {
  const std::vector<float> v{1, 2, 99, 3, 4, 99, 5, 6, 99}, labels{7, 8, 9};
  Batch batch = dense(v, 3);
  batch.cols = 2;
  batch.labels = labels.data();
  batch.label_width = 1;
  CHECK(written(batch, "csv") == "7,1,2\n8,3,4\n9,5,6\n");
  CHECK(written(batch, "tsv") == "7\t1\t2\n8\t3\t4\n9\t5\t6\n");
  const CsvWriter writer({.type = parse_content_type("csv"), .recordio_split = false, .column_names = {}});
  std::string out = "x";
  writer.encode(batch, 1, 1, out);
  CHECK(out == "x8,3,4\n");
}

TEST_CASE("csv writer: a header, quoted where it must be", "[formats][csv_writer]") {
  const std::vector<float> v{1, 2}, labels{7, 8};
  Batch batch = dense(v, 2);
  CHECK(written(batch, "csv;header=true") == "f0,f1\n1,2\n");
  CHECK(written(batch, "csv;header=true", {"a", "b,\"c\" "}) == "a,\"b,\"\"c\"\" \"\n1,2\n");
  batch.labels = labels.data();
  batch.label_width = 2;
  CHECK(written(batch, "csv;header=true", {"a", "b"}) == "label_0,label_1,a,b\n7,8,1,2\n");
  batch.label_width = 1;
  CHECK(written(batch, "csv;header=true", {"a", "b"}) == "label,a,b\n7,1,2\n");
}

TEST_CASE("csv writer: sparse rows are written out with their zeros", "[formats][csv_writer]") {
  // A view into a larger table: indptr does not begin at 0.
  const std::vector<std::uint64_t> indptr{10, 12, 12, 13};
  const std::vector<std::uint32_t> indices{0, 3, 2};
  const std::vector<float> values{1, 2, 3};
  Batch batch;
  batch.rows = 3;
  batch.cols = 4;
  batch.indptr = indptr.data();
  batch.indices = indices.data();
  batch.values = values.data();
  CHECK(written(batch, "csv") == "1,0,0,2\n0,0,0,0\n0,0,3,0\n");
}

TEST_CASE("csv writer: row weights stand behind the labels where the type says so, and are refused elsewhere", "[formats][csv_writer]") {
  const std::vector<float> v{1, 2}, labels{7}, weights{0.5f};
  Batch batch = dense(v, 2);
  CHECK(written(batch, "csv;weights=1") == "1,1,2\n");
  batch.weights = weights.data();
  batch.labels = labels.data();
  batch.label_width = 1;
  CHECK(written(batch, "csv;weights=1;header=true") == "label,weight,f0,f1\n7,0.5,1,2\n");
  CHECK_THAT(error_of([&] { written(batch, "csv"); }), Contains("the rows have weights") && Contains("text/csv;weights=1"));
  const std::uint64_t qid = 3;
  batch.weights = nullptr;
  batch.qids = &qid;
  CHECK_THAT(error_of([&] { written(batch, "csv"); }), Contains("CSV has no place for query ids"));
}
