// Missing features in every format of tables: NaN where the reader was told that they may be missing, refused where not; labels and
// weights never.
#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "base/temporary_folder.h"
#include "formats/table_help.h"
#include "formats/table_sink.h"
#include "formats/table_stream.h"
#include "formats/text/csv_guess.h"

namespace smtrain::formats {
namespace {

using Catch::Matchers::Contains;

struct Case {
  const char* name;
  const char* type;
  const char* bytes;  ///< two rows of a label and three features; feature 1 of the first is missing
};

constexpr Case kTexts[] = {
    {"empty cell", "text/csv;label_size=1", "1,2,,4\n0,5,6,7\n"},
    {"quoted empty cell", "text/csv;label_size=1", "1,2,\"\",4\n0,5,6,7\n"},
    {"written nan", "text/csv;label_size=1", "1,2,NaN,4\n0,5,6,7\n"},
    {"blanks", "text/csv;label_size=1", "1,2,  ,4\n0,5,6,7\n"},
    {"tabs", "tsv;label_size=1", "1\t2\t\t4\n0\t5\t6\t7\n"},
    {"last column", "text/csv;label=-1", "2,,4,1\n5,6,7,0\n"},
    {"null", "application/jsonlines", "{\"features\":[2,null,4],\"label\":1}\n{\"features\":[5,6,7],\"label\":0}\n"},
    {"null of a tensor", "application/jsonlines",
     "{\"data\":{\"features\":{\"values\":[2,null,4]}},\"label\":1}\n{\"data\":{\"features\":{\"values\":[5,6,7]}},\"label\":0}\n"},
    {"libsvm nan", "text/libsvm;feature_dim=3", "1 0:2 1:nan 2:4\n0 0:5 1:6 2:7\n"},
    {"matrix market", "mtx;label_size=1", "%%MatrixMarket matrix array real general\n2 4\n1\n0\n2\n5\nnan\n6\n4\n7\n"},
};

TableStreamOptions options_of(const std::string& type, Missing missing) {
  TableStreamOptions options;
  options.table.type = parse_content_type(type);
  options.table.missing = missing;
  options.table.supervised = true;
  return options;
}

struct Rows {
  std::vector<float> values, labels, weights;
};

Rows read(const std::string& path, const TableStreamOptions& options) {
  NullLog log;
  const auto stream = open_table_stream(path, false, options, log);
  Rows rows;
  for (Batch batch; stream->next(batch);) {
    for (std::size_t i = 0; i < batch.rows; ++i) {
      std::vector<float> row(batch.cols, 0.0f);
      if (!batch.sparse()) std::copy_n(batch.dense + i * batch.ld, batch.cols, row.begin());
      else
        for (std::uint64_t k = batch.indptr[i] - batch.indptr[0]; k < batch.indptr[i + 1] - batch.indptr[0]; ++k) row[batch.indices[k]] = batch.values[k];
      rows.values.insert(rows.values.end(), row.begin(), row.end());
      if (batch.labels != nullptr) rows.labels.push_back(batch.labels[i]);
      if (batch.weights != nullptr) rows.weights.push_back(batch.weights[i]);
    }
  }
  return rows;
}

std::string refusal(const std::string& bytes, const std::string& type, Missing missing = Missing::features) {
  const test::TemporaryFolder folder;
  folder.write("a.txt", bytes);
  return error_of([&] { read((folder.path() / "a.txt").string(), options_of(type, missing)); });
}

TEST_CASE("missing: an absent feature is NaN where it may be, and refused where not", "[formats][missing]") {
  for (const Case& c : kTexts) {
    CAPTURE(c.name);
    const test::TemporaryFolder folder;
    folder.write("a.txt", c.bytes);
    const std::string path = (folder.path() / "a.txt").string();
    const Rows rows = read(path, options_of(c.type, Missing::features));
    REQUIRE(rows.values.size() == 6);
    CHECK(rows.labels == std::vector<float>{1, 0});
    CHECK(std::isnan(rows.values[1]));
    CHECK(rows.values[0] == 2);
    CHECK(std::vector<float>(rows.values.begin() + 2, rows.values.end()) == std::vector<float>{4, 5, 6, 7});
    CHECK_THROWS_AS(read(path, options_of(c.type, Missing::refused)), Error);
  }
}

TEST_CASE("missing: labels and weights may never be", "[formats][missing]") {
  CHECK_THAT(refusal("1,2\n,3\n", "text/csv;label_size=1"),
             Contains("a.txt:2: column 1: empty; features may be missing, labels and weights may not"));
  CHECK_THAT(refusal("1,2\nnan,3\n", "text/csv;label_size=1"), Contains("a.txt:2: column 1: \"nan\" is not a finite number; only features"));
  CHECK_THAT(refusal("1,2,3\n1,,3\n", "text/csv;label_size=1;weights=1"), Contains("a.txt:2: column 2: empty; features may be missing"));
  CHECK_THAT(refusal("1,2\n2,nan\n", "text/csv;label=-1"), Contains("a.txt:2: column 2: \"nan\""));
  CHECK_THAT(refusal("1 0:2\nnan 0:3\n", "text/libsvm"), Contains("a.txt:2: label: \"nan\" is not a finite number"));
  CHECK_THAT(refusal("1:1 0:2\n1:nan 0:3\n", "text/libsvm"), Contains("a.txt:2: weight: \"nan\""));
  CHECK_THAT(refusal("{\"features\":[2],\"label\":1}\n{\"features\":[3],\"label\":null}\n", "application/jsonlines"), Contains("label: found null"));
  CHECK_THAT(refusal("%%MatrixMarket matrix array real general\n2 2\n1\nnan\n2\n3\n", "mtx;label_size=1"), Contains("\"nan\" is not a finite"));
}

TEST_CASE("missing: infinite features stay refused", "[formats][missing]") {
  CHECK_THAT(refusal("1,2\n0,inf\n", "text/csv;label_size=1"), Contains("a.txt:2: column 2: \"inf\" is not a finite number"));
  CHECK_THAT(refusal("1,2\n0,1e39\n", "text/csv;label_size=1"), Contains("beyond float32"));
  CHECK_THAT(refusal("1 0:2\n0 0:-inf\n", "text/libsvm"), Contains("\"-inf\""));
  CHECK_THAT(refusal("{\"features\":[2],\"label\":1}\n{\"features\":[1e300],\"label\":1}\n", "application/jsonlines"), Contains("fits float32"));
}

// Formats that a writer of ours puts NaN into.
TEST_CASE("missing: random holes come back from every format at their places", "[formats][missing]") {
  const unsigned seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (const char* const type : {"text/csv;label_size=1", "application/x-recordio-protobuf", "application/x-npy;label_size=1",
                                 "application/x-parquet;label_size=1", "text/libsvm;feature_dim={}"}) {
    const std::size_t rows = 1 + random() % 300, cols = 1 + random() % 40;
    CAPTURE(type, rows, cols);
    std::vector<float> values(rows * cols), labels(rows);
    for (float& x : values) x = random() % 4 == 0 ? NAN : 1.0f + static_cast<float>(random() % 1000) / 8;
    for (float& y : labels) y = static_cast<float>(random() % 3);
    Batch batch;
    batch.rows = rows;
    batch.cols = batch.ld = cols;
    batch.dense = values.data();
    batch.labels = labels.data();
    batch.label_width = 1;
    const test::TemporaryFolder folder;
    const std::string path = (folder.path() / "a.dat").string();
    const std::string named = fmt::format(fmt::runtime(type), cols);
    TableWriterOptions writing;
    writing.type = {parse_content_type(named).format, {}};
    TableSink sink(path, writing, 2);
    sink.write(batch);
    sink.commit();
    TableStreamOptions options = options_of(named, Missing::features);
    options.threads = 2;
    options.block_bytes = 512;
    const Rows back = read(path, options);
    REQUIRE(back.labels == labels);
    REQUIRE(back.values.size() == values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      CAPTURE(i);
      REQUIRE((std::isnan(values[i]) ? std::isnan(back.values[i]) : back.values[i] == values[i]));
    }
    labels[random() % rows] = NAN;
    TableSink broken(path, writing, 2);
    broken.write(batch);
    broken.commit();
    CHECK_THROWS_AS(read(path, options), Error);
  }
}

TEST_CASE("missing: the delimiter is the one that all of the first lines agree on", "[formats][missing]") {
  const auto guessed = [](const std::string& head) {
    ContentType type = parse_content_type("text/csv");
    NullLog log;
    guess_delimiter_by_lines(type, head, "a.csv", log);
    return type.text("delimiter").value_or("comma");
  };
  CHECK(guessed("1,2,3\n4,,6\n") == "comma");
  CHECK(guessed("1\t2\n3\t4\n") == "tab");
  CHECK(guessed("1;2\n3;4\n") == "semicolon");
  CHECK(guessed("1|2\n3|4\n") == "pipe");
  CHECK(guessed("1 2 3\n4 5 6\n") == "space");
  CHECK(guessed("1,5;2,5\n3,5;\n") == "semicolon");   // not equally many commas
  CHECK(guessed("1,2;3\n4,5;6\n") == "comma");       // no numbers with either
  CHECK(guessed("1, 2\n3, 4\n") == "comma");
  CHECK(guessed("a;b\n1;2\n") == "semicolon");        // a header
  CHECK(guessed("12\n13\n") == "comma");              // one column: nothing tells
  CHECK(guessed("1;2\n3;4\n5;") == "semicolon");      // cut off
  CHECK(guessed("") == "comma");
}

}  // namespace
}  // namespace smtrain::formats
