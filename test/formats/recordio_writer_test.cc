#include "formats/recordio/recordio_writer.h"

#include <catch2/catch.hpp>

#include <cstring>

#include "formats/recordio/recordio_parser.h"
#include "formats/recordio_samples.h"

using namespace smtrain;
using namespace smtrain::formats;
using namespace smtrain::formats::testing;

namespace {

std::string written(const Batch& batch, bool split = false, std::size_t at_a_time = 1000) {
  TableWriterOptions options;
  options.recordio_split = split;
  RecordIoWriter writer(options);
  std::string out;
  writer.begin(batch, out);
  for (std::size_t i = 0; i < batch.rows; i += at_a_time) writer.encode(batch, i, std::min(at_a_time, batch.rows - i), out);
  writer.end(out);
  return out;
}

const std::vector<float> kFeatures{1.5f, -2.0f, 0.25f, 0.0f, 4.0f, -0.5f, 16.0f, 14.0f, 23.0f};
const std::vector<float> kLabels{1, 0, 1};

Batch dense_batch(const std::vector<float>& values, std::size_t cols) {
  Batch batch;
  batch.rows = values.size() / cols;
  batch.cols = batch.ld = cols;
  batch.dense = values.data();
  return batch;
}

}  // namespace

TEST_CASE("recordio writer: the dense fixtures are reproduced byte for byte", "[formats][recordio]") {
  Batch batch = dense_batch(kFeatures, 3);
  CHECK(written(batch) == fixture("dense_nolabel.pbr"));
  CHECK(written(batch, true) == fixture("dense_nolabel.pbr"));
  batch.labels = kLabels.data();
  batch.label_width = 1;
  for (const std::size_t at_a_time : {1, 2, 3}) CHECK(written(batch, false, at_a_time) == fixture("dense_label.pbr"));
}

TEST_CASE("recordio writer: the sparse fixture is reproduced byte for byte", "[formats][recordio]") {
  const std::vector<std::uint64_t> indptr{7, 9, 9};  // a slice of a larger matrix: offsets count from indptr[0]
  const std::vector<std::uint32_t> indices{1, 5};
  const std::vector<float> values{3.5f, -1.0f}, labels{0, 1};
  Batch batch;
  batch.rows = 2;
  batch.cols = 8;
  batch.indptr = indptr.data();
  batch.indices = indices.data();
  batch.values = values.data();
  batch.labels = labels.data();
  batch.label_width = 1;
  const std::vector<std::uint64_t> wide_indptr{0, 3};
  const std::vector<std::uint32_t> wide_indices{0, 200, 9283};
  const std::vector<float> wide_values{1, 1, 4}, wide_label{1};
  Batch wide = batch;
  wide.rows = 1;
  wide.cols = 9284;
  wide.indptr = wide_indptr.data();
  wide.indices = wide_indices.data();
  wide.values = wide_values.data();
  wide.labels = wide_label.data();
  const std::string file = written(batch);
  CHECK(file.substr(0, 60) + written(wide) + file.substr(60) == fixture("sparse_label.pbr"));
}

TEST_CASE("recordio writer: rows of every width come back, through the form and split", "[formats][recordio]") {
  for (std::size_t cols = 1; cols < 70; ++cols) {
    RandomStream random(cols, "writer");
    const std::size_t ld = cols + 3, rows = 5;
    std::vector<float> values(rows * ld), labels(rows * 2);
    for (float& x : values) x = static_cast<float>(random.normal());
    for (float& y : labels) y = static_cast<float>(random.normal());
    std::memcpy(&values[ld], "\x0a\x23\xd7\xce", 4);
    for (const std::size_t width : {0, 1, 2}) {
      Batch batch = dense_batch(values, ld);
      batch.cols = cols;
      batch.labels = width == 0 ? nullptr : labels.data();
      batch.label_width = width;
      for (const bool split : {false, true}) {
        CAPTURE(cols, width, split);
        NullLog log;
        RecordIoParser parser({});
        const ParsedTable table = parse_file(parser, written(batch, split), log);
        REQUIRE(table.rows.size() == rows);
        for (std::size_t i = 0; i < rows; ++i) {
          REQUIRE(table.rows[i] == std::vector<float>(values.begin() + i * ld, values.begin() + i * ld + cols));
        }
        REQUIRE(table.labels == std::vector<float>(labels.begin(), labels.begin() + rows * width));
      }
    }
  }
}

TEST_CASE("recordio writer: row weights are refused", "[formats][recordio]") {
  Batch batch = dense_batch(kFeatures, 3);
  batch.weights = kLabels.data();
  CHECK_THAT(error_of([&] { written(batch); }), Catch::Contains("no field for row weights"));
}
