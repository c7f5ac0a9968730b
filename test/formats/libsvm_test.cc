#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <fstream>
#include <random>
#include <thread>

#include "base/temporary_folder.h"
#include "formats/recordio_samples.h"
#include "formats/table_scan.h"
#include "formats/table_stream.h"
#include "formats/table_width.h"
#include "formats/text/libsvm_parser.h"
#include "formats/text/libsvm_writer.h"

using namespace smtrain;
using namespace smtrain::formats;
using namespace smtrain::formats::testing;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

using Floats = std::vector<float>;
using Rows = std::vector<Floats>;

struct Svm {
  TableSchema schema;
  SparseRows sparse;
  Rows rows;
  Floats labels, weights;
  std::vector<std::uint64_t> qids;
};

TableOptions svm_options(const std::string& parameters = "", std::size_t feature_dim = 0) {
  TableOptions options;
  options.type = parse_content_type("libsvm" + parameters);
  options.feature_dim = feature_dim;
  return options;
}

// Probes, measures where that is needed, and parses in pieces of `chunk` bytes, dense and sparse.
Svm read(const std::string& text, const TableOptions& options, std::size_t chunk, Log& log) {
  LibsvmParser parser(options);
  const auto source = std::make_shared<const std::string>("t/x");
  Svm svm;
  svm.schema = parser.probe(text, *source, log);
  if (svm.schema.feature_dim == 0) svm.schema.feature_dim = measured_width(text, parser, *source, log);
  RawBlock at{{}, source, 0, 0, 1, 0};
  for (std::size_t start = 0, offered = 0; start < text.size();) {
    offered = std::min(text.size(), offered + chunk);
    const std::vector<char> copy(text.begin() + static_cast<long>(start), text.begin() + static_cast<long>(offered));
    RawBlock block = at;
    block.bytes = copy;
    const auto cut = parser.cut(block, start == 0, offered == text.size());
    if (cut.bytes == 0) continue;
    const std::vector<char> records(copy.begin() + static_cast<long>(cut.skip), copy.begin() + static_cast<long>(cut.bytes));
    block.bytes = records;
    block.records = cut.records;
    block.first_line += static_cast<std::uint64_t>(std::count(copy.begin(), copy.begin() + static_cast<long>(cut.skip), '\n'));
    const std::size_t n = cut.records, d = svm.schema.feature_dim;
    Floats values(n * d), labels(n), weights(n);
    std::vector<std::uint64_t> qids(n);
    const DenseRun run{n, values.data(), d, labels.data(), svm.schema.weights ? weights.data() : nullptr, svm.schema.qids ? qids.data() : nullptr};
    if (n > 0) parser.parse_dense(block, {&run, 1}, log);
    parser.parse_sparse(block, svm.sparse, log);
    for (std::size_t i = 0; i < n; ++i) svm.rows.emplace_back(values.begin() + static_cast<long>(i * d), values.begin() + static_cast<long>((i + 1) * d));
    if (svm.schema.label_width == 1) svm.labels.insert(svm.labels.end(), labels.begin(), labels.end());
    if (svm.schema.weights) svm.weights.insert(svm.weights.end(), weights.begin(), weights.end());
    if (svm.schema.qids) svm.qids.insert(svm.qids.end(), qids.begin(), qids.end());
    at.first_record += cut.records;
    at.first_line += cut.lines;
    start += cut.bytes;
  }
  REQUIRE(svm.sparse.labels == svm.labels);
  REQUIRE(svm.sparse.weights == svm.weights);
  REQUIRE(svm.sparse.qids == svm.qids);
  for (std::size_t i = 0; i < svm.rows.size(); ++i) {
    Floats row(svm.schema.feature_dim, 0.0f);
    for (std::size_t k = svm.sparse.indptr[i]; k < svm.sparse.indptr[i + 1]; ++k) row.at(svm.sparse.indices[k]) = svm.sparse.values[k];
    REQUIRE(row == svm.rows[i]);
  }
  return svm;
}

Svm read(const std::string& text, const TableOptions& options = svm_options(), std::size_t chunk = 1 << 20) {
  NullLog log;
  return read(text, options, chunk, log);
}

std::string refusal(const std::string& text, const TableOptions& options = svm_options()) {
  return error_of([&] { read(text, options); });
}

}  // namespace

TEST_CASE("libsvm: labels, comments, blanks and indices in any order", "[formats][libsvm]") {
  const std::string text = "\xEF\xBB\xBF# made by hand\n\n1 0:1.5 2:-2e1 # first\r\n-1\t 1:3 \n\n  0\n+1 2:1 0:0.5#x\n";
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
    CAPTURE(chunk);
    const Svm svm = read(text, svm_options(), chunk);
    CHECK(svm.schema.sparse);
    CHECK(svm.schema.feature_dim == 3);
    CHECK(svm.labels == Floats{1, -1, 0, 1});
    CHECK(svm.rows == Rows{{1.5f, 0, -20}, {0, 3, 0}, {0, 0, 0}, {0.5f, 0, 1}});
    CHECK_FALSE(svm.schema.weights);
    CHECK_FALSE(svm.schema.qids);
  }
}

TEST_CASE("libsvm: weights and query ids, kept or left out", "[formats][libsvm]") {
  const std::string text = "1.0:0.5 qid:7 0:1\n0:2 qid:18446744073709551615 1:3\n";
  const Svm svm = read(text);
  CHECK(svm.labels == Floats{1, 0});
  CHECK(svm.weights == Floats{0.5f, 2});
  CHECK(svm.qids == std::vector<std::uint64_t>{7, 18446744073709551615u});
  const Svm without = read(text, svm_options(";weights=0;qid=0"));
  CHECK(without.labels == Floats{1, 0});
  CHECK_FALSE(without.schema.weights);
  CHECK_FALSE(without.schema.qids);
  CHECK(without.rows == Rows{{1, 0}, {0, 3}});
}

TEST_CASE("libsvm: rows of requests have no label, and a pair in the first place is judged by its neighbours", "[formats][libsvm]") {
  CollectedLog log;
  CHECK(read("0:1 2:3\n1:4\n", svm_options(), 100, log).rows == Rows{{1, 0, 3}, {0, 4, 0}});
  REQUIRE(log.lines.size() == 1);
  CHECK_THAT(log.lines[0].second, StartsWith("t/x: \"0:1\" is taken for a feature") && Contains(";label_size=1"));
  // Ascending in the first row, not in the second: labels.
  CHECK(read("0:1 2:3\n4:2 1:4\n").labels == Floats{0, 4});
  CHECK(read("-1:1 2:3\n").labels == Floats{-1});
  CHECK(read("0:1 qid:3 2:3\n").labels == Floats{0});
  CHECK(read("0:1 2:3\n", svm_options(";label_size=1")).labels == Floats{0});
  CHECK(read("0:1 2:3\n", svm_options(";label_size=0")).schema.label_width == 0);
  TableOptions supervised = svm_options();
  supervised.supervised = true;
  CHECK(read("0:1 2:3\n", supervised).labels == Floats{0});
}

TEST_CASE("libsvm: indices count from 0 unless the type says 1, with a warning when 0 never occurs", "[formats][libsvm]") {
  const auto warnings = [](const std::string& text, const TableOptions& options) {
    CollectedLog log;
    read(text, options, 100, log);
    return log.lines.size();
  };
  CHECK(warnings("1 1:1 2:1\n", svm_options()) == 1);
  CHECK(warnings("1 1:1 2:1\n0 0:1\n", svm_options()) == 0);
  CHECK(warnings("1 1:1 2:1\n", svm_options(";index_base=1")) == 0);
  CHECK(read("1 1:5 2:6\n", svm_options(";index_base=1")).rows == Rows{{5, 6}});
  CHECK(read("1 1:5 2:6\n").rows == Rows{{0, 5, 6}});
  CHECK_THAT(refusal("1 0:5\n", svm_options(";index_base=1")), StartsWith("t/x:1: index 0; index_base=1"));
  CHECK(read("1 1:5\n", svm_options(";feature_dim=4")).rows == Rows{{0, 5, 0, 0}});
  CHECK(read("1 1:5\n", svm_options("", 3)).rows == Rows{{0, 5, 0}});
}

TEST_CASE("libsvm: problems name line, what was found and what was expected", "[formats][libsvm]") {
  const std::string good = "1 0:1 2:1\n";
  CHECK(refusal(good + "\n1 0:x\n") == "t/x:3: value of index 0: \"x\" is not a number; expected index:value");
  CHECK(refusal(good + "a 0:1\n") == "t/x:2: label: \"a\" is not a number; expected label[:weight] index:value ...");
  CHECK(refusal(good + "1 0:1 0:2\n") == "t/x:2: index 0 stands there twice; expected each once");
  CHECK(refusal(good + "1 2:1 1:1 2:2\n") == "t/x:2: index 2 stands there twice; expected each once");
  CHECK(refusal(good + "1 3\n") == "t/x:2: \"3\" is no feature; expected index:value with an index of at least 0");
  CHECK(refusal(good + "1 -3:1\n") == "t/x:2: \"-3:1\" is no feature; expected index:value with an index of at least 0");
  CHECK(refusal(good + "1 0:nan\n") == "t/x:2: value of index 0: \"nan\" is not a finite number; expected index:value");
  CHECK(refusal(good + "1 0:1e39\n") == "t/x:2: value of index 0: \"1e39\" is beyond float32 (largest 3.4028235e38)");
  CHECK(refusal(good + "1:2 0:1\n") == "t/x:2: \"1:2\" as label; expected a label without a weight as in the first row");
  CHECK(refusal("-1:2 0:1\n1 0:1\n") == "t/x:2: \"1\" as label; expected label:weight as in the first row");
  CHECK(refusal("-1:-2 0:1\n") == "t/x:1: the weight of the row is -2; expected 0 or more");
  CHECK(refusal("1 qid:1 0:1\n1 0:1\n") == "t/x:2: no query id (qid:n); the first row has one");
  CHECK(refusal(good + "1 qid:3 0:1\n") == "t/x:2: a query id (qid); the first row has none");
  CHECK(refusal("1 qid:x 0:1\n") == "t/x:1: qid: \"x\" is not a whole number of at least 0");
  CHECK_THAT(refusal(good, svm_options("", 2)), Contains("index 2; expected below 2, as feature_dim says (if the first index is 1"));
  CHECK_THAT(refusal("1 4294967295:1\n"), Contains("4294967295; expected at most 4294967294"));
  CHECK_THAT(refusal("1 99999999999999999999:1\n"), Contains("beyond the largest"));
  CHECK_THAT(refusal("# only this\n"), Contains("no row"));
  CHECK_THAT(refusal(good, svm_options(";index_base=2")), Contains("expected 0 or 1"));
  CHECK_THAT(refusal("1,2 0:1\n"), StartsWith("t/x:1: label: \"1,2\" is not a number"));
  TableOptions small = svm_options();
  small.max_record_bytes = 8;
  CHECK_THAT(refusal("1 0:1\n1 0:1 1:1\n", small), StartsWith("t/x:2: a line of "));
}

TEST_CASE("libsvm: what is written reads back to the same bits, whatever the shape", "[formats][libsvm]") {
  const unsigned seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int trial = 0; trial < 30; ++trial) {
    const std::size_t rows = 1 + random() % 40, cols = 1 + random() % 30;
    const bool sparse = random() % 2, labelled = random() % 3, weighted = labelled && random() % 2, queries = random() % 2;
    const std::string base = random() % 2 ? ";index_base=1" : "";
    Floats dense(rows * cols), values, labels(rows), weights(rows);
    std::vector<std::uint64_t> indptr{0}, qids(rows);
    std::vector<std::uint32_t> indices;
    for (std::size_t i = 0; i < rows; ++i) {
      labels[i] = static_cast<float>(random() % 5) - 1.5f * static_cast<float>(random() % 2);
      weights[i] = static_cast<float>(random() % 1000) / 7;
      qids[i] = random();
      for (std::size_t j = 0; j < cols; ++j) {
        if (random() % 2) continue;
        const std::uint32_t bits = random();
        float value;
        std::memcpy(&value, &bits, sizeof value);
        if (!std::isfinite(value) || random() % 2) value = static_cast<float>(random() % 100) / 8;
        if (value == 0) continue;
        dense[i * cols + j] = value;
        values.push_back(value);
        indices.push_back(static_cast<std::uint32_t>(j));
      }
      indptr.push_back(indices.size());
    }
    Batch batch;
    batch.rows = rows;
    batch.cols = batch.ld = cols;
    if (sparse) {
      batch.indptr = indptr.data();
      batch.indices = indices.data();
      batch.values = values.data();
    } else {
      batch.dense = dense.data();
    }
    if (labelled) batch.labels = labels.data(), batch.label_width = 1;
    if (weighted) batch.weights = weights.data();
    if (queries) batch.qids = qids.data();
    LibsvmWriter writer({.type = parse_content_type("libsvm" + base), .recordio_split = false, .column_names = {}});
    std::string text;
    writer.begin(batch, text);
    writer.encode(batch, 0, rows / 2, text);
    writer.encode(batch, rows / 2, rows - rows / 2, text);
    const std::string type = base + ";feature_dim=" + std::to_string(cols) + (labelled ? "" : ";label_size=0");
    for (const std::size_t chunk : {std::size_t{1}, std::size_t{1} + random() % 60, text.size()}) {
      const Svm svm = read(text, svm_options(type), chunk);
      REQUIRE(svm.rows.size() == rows);
      for (std::size_t i = 0; i < rows; ++i) REQUIRE(svm.rows[i] == Floats(dense.begin() + static_cast<long>(i * cols), dense.begin() + static_cast<long>((i + 1) * cols)));
      if (labelled) REQUIRE(svm.labels == labels);
      if (weighted) REQUIRE(svm.weights == weights);
      if (queries) REQUIRE(svm.qids == qids);
      CHECK(svm.schema.weights == weighted);
    }
  }
}

TEST_CASE("libsvm writer: what has no place is refused", "[formats][libsvm]") {
  const Floats v{1, 2};
  Batch batch;
  batch.rows = 1;
  batch.cols = batch.ld = 2;
  batch.dense = v.data();
  batch.weights = v.data();
  LibsvmWriter writer({.type = parse_content_type("libsvm"), .recordio_split = false, .column_names = {}});
  std::string out;
  CHECK_THAT(error_of([&] { writer.begin(batch, out); }), Contains("behind its label"));
  batch.weights = nullptr;
  batch.labels = v.data();
  batch.label_width = 2;
  CHECK_THAT(error_of([&] { writer.begin(batch, out); }), Contains("libsvm rows have one label; these have 2"));
}

TEST_CASE("libsvm: streams measure all files first, and pipes that are short", "[formats][libsvm]") {
  const test::TemporaryFolder folder;
  folder.put("in/a", "1 qid:1 0:1\n2 qid:1 1:2\n");
  folder.put("in/b", "3 qid:2 9:3\n");
  NullLog log;
  TableStreamOptions options;
  options.table = svm_options();
  options.threads = 2;
  options.epochs = 2;
  options.mini_batch_size = 2;
  const auto check = [](TableStream& stream) {
    REQUIRE(stream.schema().feature_dim == 10);
    Floats labels;
    std::vector<std::uint64_t> qids;
    for (Batch b; stream.next(b);) {
      CHECK(b.sparse());
      labels.insert(labels.end(), b.labels, b.labels + b.rows);
      qids.insert(qids.end(), b.qids, b.qids + b.rows);
    }
    CHECK(labels == Floats{1, 2, 3});
    CHECK(qids == std::vector<std::uint64_t>{1, 1, 2});
  };
  const auto stream = open_table_stream((folder / "in").string(), false, options, log);
  check(*stream);
  stream->next_epoch();
  check(*stream);

  const std::string fifo = (folder / "fifo").string();
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  std::thread writer([&] { std::ofstream(fifo, std::ios::binary) << "1 qid:1 0:1\n2 qid:1 1:2\n3 qid:2 9:3\n"; });
  const auto pipe = open_table_stream(fifo, false, options, log);
  check(*pipe);
  pipe->next_epoch();
  check(*pipe);
  writer.join();

  ScanOptions scan;
  scan.table = svm_options();
  scan.threads = 2;
  const TableScan found = scan_table(expand_path((folder / "in").string()), scan, log);
  CHECK(found.problems.empty());
  CHECK(found.schema->feature_dim == 10);
  CHECK(found.records == 3);
}

TEST_CASE("libsvm: every truncation and every change of a byte is a table or an error with its place", "[formats][libsvm]") {
  const std::string text = "1.5:2 qid:3 0:1 7:2.5e3 # c\n-1:1 qid:4 1:0.25\n";
  const auto survives = [](const std::string& damaged) {
    try {
      read(damaged, svm_options(), 5);
    } catch (const Error& e) {
      if (e.fault() != Fault::user || !std::string(e.what()).starts_with("t/x")) FAIL("no place: " << e.what());
    }
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    survives(text.substr(0, at));
    for (int change = 1; change < 256; ++change) {
      std::string damaged = text;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      // Widths of millions are legal, and dense rows of them too large for this test.
      if (at >= 12) damaged.insert(0, "1:1 qid:1 0:1 #\n");
      survives(damaged);
    }
  }
}
