// Tables written as Parquet come back as they were. That other readers read them is test/cli/parquet_test.py's matter.
#include "formats/parquet/parquet_writer.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <cstring>
#include <random>

#include "base/error.h"
#include "base/file.h"
#include "formats/block_team.h"
#include "formats/parquet/columns.h"
#include "formats/parquet/rle.h"
#include "formats/scratch_folder.h"
#include "formats/table_help.h"
#include "formats/table_sink.h"
#include "formats/table_stream.h"

using namespace smtrain;
using namespace smtrain::formats;

namespace {

struct Table {
  std::size_t rows = 0, cols = 0, label_width = 0;
  bool sparse = false, weighted = false;
  std::vector<float> dense, labels, weights, values;
  std::vector<std::uint64_t> indptr{0};
  std::vector<std::uint32_t> indices;

  Batch batch(std::size_t first, std::size_t count) const {
    Batch b;
    b.rows = count;
    b.cols = b.ld = cols;
    if (sparse) {
      b.indptr = indptr.data() + first;
      b.indices = indices.data() + indptr[first];
      b.values = values.data() + indptr[first];
    } else {
      b.dense = dense.data() + first * cols;
    }
    b.label_width = label_width;
    b.labels = label_width > 0 ? labels.data() + first * label_width : nullptr;
    b.weights = weighted ? weights.data() + first : nullptr;
    return b;
  }
};

Table random_table(std::mt19937& random) {
  Table t;
  t.rows = 1 + random() % 3000;
  t.cols = 1 + random() % 40;
  t.label_width = random() % 3;
  t.sparse = random() % 2 == 0;
  t.weighted = random() % 3 == 0;
  const std::uint32_t distinct = random() % 2 == 0 ? 5 : 1u << 24;  // with a dictionary, and without
  const auto number = [&] { return static_cast<float>(random() % distinct) / 8 - 1; };
  for (std::size_t i = 0; i < t.rows * t.label_width; ++i) t.labels.push_back(number());
  for (std::size_t i = 0; i < t.rows; ++i) t.weights.push_back(number());
  for (std::size_t i = 0; i < t.rows; ++i) {
    for (std::size_t j = 0; j < t.cols; ++j) {
      if (!t.sparse) t.dense.push_back(number());
      else if (random() % 4 == 0) {
        t.indices.push_back(static_cast<std::uint32_t>(j));
        t.values.push_back(static_cast<float>(random() % 100 + 1));
      }
    }
    t.indptr.push_back(t.values.size());
  }
  return t;
}

void write(const std::string& path, const Table& t, const std::string& type, int threads, std::size_t step) {
  TableWriterOptions options;
  options.type = parse_content_type(type);
  TableSink sink(path, options, threads);
  for (std::size_t i = 0; i < t.rows; i += step) sink.write(t.batch(i, std::min(step, t.rows - i)));
  sink.commit();
}

Table read(const std::string& path, const Table& like, int threads) {
  TableStreamOptions options;
  options.table.type =
      parse_content_type(fmt::format("parquet;label_size={};weights={}", like.label_width, like.weighted ? 1 : 0));
  options.mini_batch_size = 100;
  options.threads = threads;
  NullLog log;
  const auto stream = open_table_stream(path, false, options, log);
  Table t;
  t.cols = stream->schema().feature_dim;
  t.label_width = stream->schema().label_width;
  t.sparse = stream->schema().sparse;
  for (Batch b; stream->next(b);) {
    for (std::size_t i = 0; i < b.rows; ++i, ++t.rows) {
      if (!b.sparse()) t.dense.insert(t.dense.end(), b.dense + i * b.ld, b.dense + i * b.ld + b.cols);
      else for (std::uint64_t k = b.indptr[i] - b.indptr[0]; k < b.indptr[i + 1] - b.indptr[0]; ++k) {
        t.indices.push_back(b.indices[k]);
        t.values.push_back(b.values[k]);
      }
      t.indptr.push_back(t.values.size());
      if (b.labels != nullptr) t.labels.insert(t.labels.end(), b.labels + i * b.label_width, b.labels + (i + 1) * b.label_width);
      if (b.weights != nullptr) t.weights.push_back(b.weights[i]);
    }
  }
  return t;
}

std::string bytes_of(const std::string& path) { return read_file(path); }

}  // namespace

TEST_CASE("parquet writer: any table comes back, the same file with any number of threads", "[formats][parquet]") {
  const unsigned seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const ScratchFolder folder;
  for (int round = 0; round < 40; ++round) {
    const Table t = random_table(random);
    static const char* const kCodecs[] = {"none", "zstd", "snappy", "gzip"};
    const std::string type = std::string("parquet;compression=") + kCodecs[random() % 4];
    const std::size_t step = 1 + random() % t.rows;
    CAPTURE(round, t.rows, t.cols, t.label_width, t.sparse, t.weighted, type, step);
    write(folder / "one.parquet", t, type, 1, step);
    write(folder / "two.parquet", t, type, 3, step);
    REQUIRE(bytes_of(folder / "one.parquet") == bytes_of(folder / "two.parquet"));
    const Table back = read(folder / "one.parquet", t, 1 + static_cast<int>(random() % 3));
    REQUIRE(back.rows == t.rows);
    REQUIRE(back.cols == t.cols);
    REQUIRE(back.sparse == t.sparse);
    REQUIRE(back.labels == t.labels);
    REQUIRE(back.dense == t.dense);
    REQUIRE(back.indices == t.indices);
    REQUIRE(back.values == t.values);
    REQUIRE(back.indptr == t.indptr);
    REQUIRE(back.weights == (t.weighted ? t.weights : std::vector<float>()));
  }
}

TEST_CASE("parquet writer: pages begin at the same rows, so that large tables come in parts", "[formats][parquet]") {
  const ScratchFolder folder;
  Table t;
  t.rows = 130'001;
  t.cols = 19;
  t.label_width = 1;
  // Columns 0, 2, ... have dictionaries of 16 KB, the others none.
  const auto number = [](std::size_t row, std::size_t column) {
    return static_cast<float>(column % 2 == 0 ? row * 7 % 4096 : row) + 0.125f * static_cast<float>(column);
  };
  for (std::size_t i = 0; i < t.rows; ++i) {
    t.labels.push_back(static_cast<float>(i % 5));
    for (std::size_t k = 0; k < t.cols; ++k) t.dense.push_back(number(i, k));
  }
  const auto written = [&](const char* name, const char* type) {
    write(folder / name, t, type, 2, t.rows);
    return folder / name;
  };
  for (const char* const type : {"parquet;compression=none", "parquet;compression=snappy"}) {
    CAPTURE(type);
    const std::string path = written("large.parquet", type);
    for (const int threads : {1, 3}) {
      const Table back = read(path, t, threads);
      REQUIRE(back.rows == t.rows);
      REQUIRE(back.labels == t.labels);
      REQUIRE(back.dense == t.dense);
    }
    const auto two = [](const parquet::FileSummary&, const std::string&) { return std::vector<std::size_t>{2, 4}; };
    parquet::PartCutter cutter(two, std::size_t{1} << 16);
    std::size_t parts = 0;
    BlockTeam team(expand_path(path), cutter, {});
    while (team.round([&](const RawBlock& block, std::size_t) { parts += parquet::parts_of(block).size(); }) > 0) {
    }
    CHECK(parts == (t.rows + 19'999) / 20'000);
  }
  // The first row that is wrong is named, wherever it lies in what is read at a time.
  t.dense[100'003 * t.cols + 4] = NAN;
  const std::string wrong = written("nan.parquet", "parquet;compression=none");
  CHECK_THROWS_WITH(read(wrong, t, 2), Catch::Contains(R"(nan.parquet, row 100003, column "f4": nan is not a finite number)"));
}

TEST_CASE("parquet writer: row groups are full however few rows come at a time", "[formats][parquet]") {
  const unsigned seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const ScratchFolder folder;
  for (int round = 0; round < 10; ++round) {
    const Table t = random_table(random);
    const std::size_t waiting = 1 + random() % (std::size_t{1} << 17), step = 1 + random() % t.rows;
    CAPTURE(round, t.rows, t.cols, t.label_width, t.sparse, t.weighted, waiting, step);
    const auto written = [&](const char* name, std::size_t first) {
      TableWriterOptions options;
      options.type = parse_content_type("parquet");
      TableSink sink(folder / name, options, 2, waiting);
      sink.write(t.batch(0, first));
      for (std::size_t i = first; i < t.rows; i += step) sink.write(t.batch(i, std::min(step, t.rows - i)));
      CHECK(sink.rows() == t.rows);
      sink.commit();
      const Table back = read(folder / name, t, 2);
      REQUIRE(back.labels == t.labels);
      REQUIRE(back.dense == t.dense);
      REQUIRE(back.indices == t.indices);
      REQUIRE(back.values == t.values);
      REQUIRE(back.weights == (t.weighted ? t.weights : std::vector<float>()));
      return parquet::summarize(expand_path(folder / name).front())->row_groups;
    };
    const std::size_t groups = written("some.parquet", std::min<std::size_t>(t.rows, 7));
    if (t.sparse) continue;
    REQUIRE(groups == written("all.parquet", t.rows));
    const std::size_t row_bytes = 4 * (t.cols + t.label_width + (t.weighted ? 1 : 0));
    const std::size_t block = std::max<std::size_t>(1, waiting / row_bytes);
    REQUIRE(groups == (t.rows + block - 1) / block);
  }
}

TEST_CASE("parquet writer: missing values, infinities and zeros keep their bits", "[formats][parquet]") {
  const ScratchFolder folder;
  Table t;
  t.cols = 1;
  t.dense = {0.0f, -0.0f, NAN, INFINITY, -INFINITY, 1.5f};
  for (int i = 0; i < 4; ++i) t.dense.insert(t.dense.end(), t.dense.begin(), t.dense.end());
  t.rows = t.dense.size();
  write(folder / "a.parquet", t, "parquet", 1, t.rows);
  TableStreamOptions options;
  options.table.type = parse_content_type("parquet");
  options.table.missing = Missing::passed_on;
  NullLog log;
  const auto stream = open_table_stream(folder / "a.parquet", false, options, log);
  Batch b;
  REQUIRE(stream->next(b));
  REQUIRE(b.rows == t.rows);
  for (std::size_t i = 0; i < t.rows; ++i) {
    CAPTURE(i);
    REQUIRE(std::memcmp(b.dense + i * b.ld, &t.dense[i], sizeof(float)) == 0);
  }
}

TEST_CASE("parquet writer: columns have the names they had, each once", "[formats][parquet]") {
  const ScratchFolder folder;
  TableWriterOptions options;
  options.type = parse_content_type("parquet");
  options.column_names = {"label", "x", "x"};
  Table t;
  t.rows = 1;
  t.cols = 3;
  t.label_width = 1;
  t.labels = {7};
  t.dense = {1, 2, 3};
  TableSink sink(folder / "a.parquet", options, 1);
  sink.write(t.batch(0, 1));
  sink.commit();
  std::vector<std::string> names;
  const auto summary = parquet::summarize(expand_path(folder / "a.parquet").at(0));
  for (const parquet::Root& root : summary->schema.roots) names.push_back(root.name);
  CHECK(names == std::vector<std::string>{"label", "label_1", "x", "x_1"});
}

TEST_CASE("parquet writer: what makes no sense is refused", "[formats][parquet]") {
  const ScratchFolder folder;
  const auto error = [&](const std::string& name, const std::string& type) {
    return error_of([&] {
      TableWriterOptions options;
      options.type = parse_content_type(type);
      TableSink(folder / name, options, 1);
    });
  };
  CHECK_THAT(error("a.parquet.gz", "parquet"),
             Catch::Contains("application/x-parquet is compressed inside; write it to a name without .gz"));
  CHECK_THAT(error("a.parquet", "parquet;compression=brotli"),
             Catch::Contains("compression=\"brotli\": expected zstd, snappy, gzip or none"));
}

TEST_CASE("parquet: packed numbers of every width come back, in pieces of any size", "[formats][parquet]") {
  const unsigned seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int width = 1; width <= 32; ++width) {
    const std::uint32_t most = width == 32 ? ~std::uint32_t{0} : (std::uint32_t{1} << width) - 1;
    std::vector<std::uint32_t> numbers;
    while (numbers.size() < 700) {
      if (random() % 4 == 0) numbers.insert(numbers.end(), random() % 60, static_cast<std::uint32_t>(random()) & most);
      else numbers.push_back(static_cast<std::uint32_t>(random()) & most);
    }
    std::string packed;
    parquet::append_rle(packed, numbers, width);
    const std::vector<char> exact(packed.begin(), packed.end());  // so that a sanitizer sees every read beyond
    parquet::RleReader reader(exact, width);
    std::vector<std::uint32_t> back;
    while (back.size() < numbers.size()) {
      std::vector<std::uint32_t> some(std::min<std::size_t>(1 + random() % 50, numbers.size() - back.size()));
      reader.read(some.data(), some.size());
      back.insert(back.end(), some.begin(), some.end());
    }
    CAPTURE(width);
    REQUIRE(back == numbers);
  }
}
