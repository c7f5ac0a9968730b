// Every format of tables to every other: what is written, read, written in another format and read again is the same table.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <random>

#include "base/random.h"
#include "base/temporary_folder.h"
#include "formats/table_sink.h"
#include "formats/table_stream.h"

namespace smtrain::formats {
namespace {

/// A format of tables, and what it can hold. A new format joins with a line.
struct TableFormat {
  const char* name;     ///< the suffix of its files
  const char* reading;  ///< content type, with {cols} and {labels} for what the file does not tell
  const char* writing;
  std::size_t most_labels;
  bool weights, qids;
  bool compressed;      ///< with .gz and .zst
};

constexpr TableFormat kFormats[] = {
    {"csv", "text/csv;label_size={labels};weights={weights}", "text/csv;weights={weights}", 3, true, false, true},
    {"tsv", "tsv;header=true;label_size={labels};weights={weights}", "tsv;header=true;weights={weights}", 3, true, false, true},
    {"libsvm", "text/libsvm;feature_dim={cols};label_size={labels}", "text/libsvm", 1, true, true, true},
    {"svm", "text/libsvm;index_base=1;feature_dim={cols};label_size={labels}", "text/libsvm;index_base=1", 1, true, true, true},
    {"jsonl", "application/jsonlines", "application/jsonlines", 3, true, true, true},
    {"pbr", "application/x-recordio-protobuf", "application/x-recordio-protobuf", 3, false, false, true},
    {"npy", "application/x-npy;label_size={labels}", "application/x-npy", 3, false, false, false},
    {"parquet", "application/x-parquet;label_size={labels}", "application/x-parquet", 3, false, false, false},
    {"mtx", "application/x-matrix-market;label_size={labels}", "application/x-matrix-market", 3, false, false, false},
};

struct Table {
  std::size_t rows = 0, cols = 0, label_width = 0;
  std::vector<float> values, labels, weights;  // values are dense
  std::vector<std::uint64_t> qids;
};

void check_same(const Table& found, const Table& expected) {
  REQUIRE(found.rows == expected.rows);
  REQUIRE(found.cols == expected.cols);
  REQUIRE(found.label_width == expected.label_width);
  // Sparse formats keep no zero, so that -0 may come back as 0; all else has the same bits, since no number is NaN.
  REQUIRE(found.values == expected.values);
  REQUIRE(found.labels == expected.labels);
  REQUIRE(found.weights == expected.weights);
  REQUIRE(found.qids == expected.qids);
}

float random_number(RandomStream& random) {
  switch (random.below(4)) {
    case 0: return 0;
    case 1: return static_cast<float>(random.below(200)) - 100;
    case 2: return static_cast<float>(random.normal());
    default: {
      const std::uint32_t bits = random.next_u32();
      float value;
      std::memcpy(&value, &bits, sizeof value);
      return std::isfinite(value) ? value : 0.1f;
    }
  }
}

Table random_table(RandomStream& random, std::size_t most_labels, bool weights, bool qids) {
  Table t;
  t.rows = 1 + random.below(200);
  t.cols = 1 + random.below(20);
  t.label_width = random.below(most_labels + 1);
  // libsvm writes weights behind a label.
  weights = weights && t.label_width > 0 && random.below(2) == 0;
  qids = qids && random.below(2) == 0;
  for (std::size_t i = 0; i < t.rows * t.cols; ++i) t.values.push_back(random_number(random));
  for (std::size_t i = 0; i < t.rows * t.label_width; ++i) t.labels.push_back(random_number(random));
  for (std::size_t i = 0; i < t.rows && weights; ++i) t.weights.push_back(std::abs(random_number(random)));
  for (std::size_t i = 0; i < t.rows && qids; ++i) t.qids.push_back(random.next_u64());
  return t;
}

/// The table as batches of random sizes, dense or sparse.
void write_table(TableSink& sink, const Table& t, bool sparse, RandomStream& random) {
  for (std::size_t row = 0; row < t.rows;) {
    const std::size_t n = std::min<std::size_t>(t.rows - row, 1 + random.below(100));
    std::vector<std::uint64_t> indptr{5};  // a view into a larger table
    std::vector<std::uint32_t> indices;
    std::vector<float> stored;
    Batch b;
    b.rows = n;
    b.cols = b.ld = t.cols;
    if (sparse) {
      for (std::size_t i = row; i < row + n; ++i) {
        for (std::size_t j = 0; j < t.cols; ++j) {
          if (t.values[i * t.cols + j] == 0) continue;
          indices.push_back(static_cast<std::uint32_t>(j));
          stored.push_back(t.values[i * t.cols + j]);
        }
        indptr.push_back(5 + indices.size());
      }
      b.indptr = indptr.data();
      b.indices = indices.data();
      b.values = stored.data();
    } else {
      b.dense = t.values.data() + row * t.cols;
    }
    b.label_width = t.label_width;
    if (t.label_width > 0) b.labels = t.labels.data() + row * t.label_width;
    if (!t.weights.empty()) b.weights = t.weights.data() + row;
    if (!t.qids.empty()) b.qids = t.qids.data() + row;
    sink.write(b);
    row += n;
  }
}

void append(Table& t, const Batch& b) {
  t.rows += b.rows;
  const std::size_t before = t.values.size();
  t.values.resize(before + b.rows * b.cols, 0.0f);
  for (std::size_t i = 0; i < b.rows; ++i) {
    float* const row = t.values.data() + before + i * b.cols;
    if (!b.sparse()) std::copy_n(b.dense + i * b.ld, b.cols, row);
    else for (std::uint64_t k = b.indptr[i] - b.indptr[0]; k < b.indptr[i + 1] - b.indptr[0]; ++k) row[b.indices[k]] = b.values[k];
  }
  if (b.labels != nullptr) t.labels.insert(t.labels.end(), b.labels, b.labels + b.rows * b.label_width);
  if (b.weights != nullptr) t.weights.insert(t.weights.end(), b.weights, b.weights + b.rows);
  if (b.qids != nullptr) t.qids.insert(t.qids.end(), b.qids, b.qids + b.rows);
}

std::string type_of(const char* pattern, const Table& t) {
  std::string type = pattern;
  for (const auto& [name, value] : {std::pair<std::string, std::size_t>{"{cols}", t.cols}, {"{labels}", t.label_width}, {"{weights}", t.weights.empty() ? 0 : 1}}) {
    if (const std::size_t at = type.find(name); at != std::string::npos) type.replace(at, name.size(), std::to_string(value));
  }
  return type;
}

std::unique_ptr<TableStream> opened(const std::string& path, const TableFormat& format, const Table& t, int threads, RandomStream& random) {
  NullLog log;
  TableStreamOptions options;
  options.table.type = parse_content_type(type_of(format.reading, t));
  options.mini_batch_size = 1 + random.below(300);
  options.threads = threads;
  options.block_bytes = std::size_t{1} << (4 + random.below(10));
  return open_table_stream(path, false, options, log);
}

Table read_table(const std::string& path, const TableFormat& format, const Table& like, int threads, RandomStream& random) {
  Table t;
  const auto stream = opened(path, format, like, threads, random);
  t.cols = stream->schema().feature_dim;
  t.label_width = stream->schema().label_width;
  for (Batch b; stream->next(b);) append(t, b);
  return t;
}

TableWriterOptions writing(const TableFormat& format, const Table& t) {
  TableWriterOptions options;
  options.type = parse_content_type(type_of(format.writing, t));
  return options;
}

}  // namespace

TEST_CASE("formats: every format of tables to every other, dense and sparse, gives the same table", "[formats][pairs]") {
  const std::uint64_t seed = std::random_device()();
  CAPTURE(seed);
  RandomStream random(seed, "format pairs");
  const test::TemporaryFolder folder;
  for (const TableFormat& from : kFormats) {
    for (const TableFormat& to : kFormats) {
      for (int trial = 0; trial < 3; ++trial) {
        const bool sparse = random.below(2) == 0;
        const int threads = 1 + static_cast<int>(random.below(3));
        const Table table = random_table(random, std::min(from.most_labels, to.most_labels), from.weights && to.weights, from.qids && to.qids);
        const std::string compression = from.compressed && random.below(2) == 0 ? (random.below(2) == 0 ? ".gz" : ".zst") : "";
        CAPTURE(from.name, to.name, trial, sparse, threads, table.rows, table.cols, table.label_width, compression);
        const std::string first = (folder / (std::string("a.") + from.name + compression)).string(), second = (folder / (std::string("b.") + to.name)).string();
        TableSink a(first, writing(from, table), threads);
        write_table(a, table, sparse, random);
        a.commit();
        check_same(read_table(first, from, table, threads, random), table);
        {
          const auto stream = opened(first, from, table, threads, random);
          TableSink b(second, writing(to, table), threads);
          for (Batch batch; stream->next(batch);) b.write(batch);
          b.commit();
        }
        check_same(read_table(second, to, table, threads, random), table);
      }
    }
  }
}

}  // namespace smtrain::formats
