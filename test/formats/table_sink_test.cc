#include "formats/table_sink.h"

#include <catch2/catch.hpp>
#include <vector>

#include "base/error.h"
#include "formats/io/byte_stream.h"
#include "base/temporary_folder.h"

namespace smtrain::formats {
namespace {

using Catch::Matchers::Contains;

std::string decompressed(const std::string& path) {
  const auto stream = open_bytes(InputFile{path, path, true, std::nullopt});
  std::string all(std::size_t{64} << 20, '\0');
  all.resize(stream->read(all));
  return all;
}

struct Rows {
  std::vector<float> values, labels;
  Batch batch;
};

Rows counted_rows(std::size_t rows, std::size_t cols) {
  Rows r;
  for (std::size_t i = 0; i < rows * cols; ++i) r.values.push_back(static_cast<float>(i % 1000) / 8);
  for (std::size_t i = 0; i < rows; ++i) r.labels.push_back(static_cast<float>(i % 3));
  r.batch.rows = rows;
  r.batch.cols = r.batch.ld = cols;
  r.batch.dense = r.values.data();
  r.batch.labels = r.labels.data();
  r.batch.label_width = 1;
  return r;
}

void write_twice(const std::string& path, const Batch& batch, const std::string& type, int threads) {
  TableWriterOptions options;
  options.type = parse_content_type(type);
  TableSink sink(path, options, threads);
  sink.write(batch);
  sink.write(batch);
  CHECK(sink.rows() == 2 * batch.rows);
  sink.commit();
}

TEST_CASE("table sink: rows come out in order, labels first, whatever the compression", "[formats][sink]") {
  const test::TemporaryFolder folder;
  Rows r = counted_rows(3, 2);
  const std::string expected = "0,0,0.125\n1,0.25,0.375\n2,0.5,0.625\n";
  for (const std::string name : {"a.csv", "a.csv.gz", "a.csv.zst"}) {
    CAPTURE(name);
    write_twice(folder / name, r.batch, "text/csv", 2);
    CHECK(decompressed(folder / name) == expected + expected);
  }
  CHECK(folder.read("a.csv.gz").substr(0, 2) == "\x1f\x8b");
}

TEST_CASE("table sink: the bytes do not depend on the number of threads", "[formats][sink]") {
  const test::TemporaryFolder folder;
  Rows r = counted_rows(20000, 32);
  for (const std::string suffix : {".csv", ".csv.gz", ".csv.zst", ".pbr"}) {
    CAPTURE(suffix);
    const std::string type = suffix == ".pbr" ? "application/x-recordio-protobuf" : "text/csv";
    write_twice(folder / ("1" + suffix), r.batch, type, 1);
    for (const int threads : {2, 3, 7}) {
      write_twice(folder / ("n" + suffix), r.batch, type, threads);
      CHECK(folder.read("1" + suffix) == folder.read("n" + suffix));
    }
  }
}

TEST_CASE("table sink: a failure in one chunk is thrown and leaves no file", "[formats][sink]") {
  const test::TemporaryFolder folder;
  Rows r = counted_rows(20000, 32);
  std::vector<float> weights(r.batch.rows, 2.0f);
  r.batch.weights = weights.data();
  TableWriterOptions options;
  {
    TableSink sink(folder / "a.csv", options, 2);
    CHECK_THROWS_AS(sink.write(r.batch), Error);
  }
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("table sink: no rows make an empty file that still decompresses", "[formats][sink]") {
  const test::TemporaryFolder folder;
  for (const std::string name : {"a.csv", "a.csv.gz", "a.csv.zst"}) {
    TableSink sink(folder / name, {}, 2);
    sink.commit();
    CHECK(decompressed(folder / name).empty());
  }
  CHECK(folder.read("a.csv").empty());
  CHECK_FALSE(folder.read("a.csv.gz").empty());
}

TEST_CASE("compression: by suffix, case aside", "[formats][compress]") {
  CHECK(compression_by_suffix("a.csv.gz") == Compression::gzip);
  CHECK(compression_by_suffix("A.CSV.GZ") == Compression::gzip);
  CHECK(compression_by_suffix("a.zst") == Compression::zstd);
  CHECK(compression_by_suffix("gz") == Compression::none);
  CHECK(compression_by_suffix("a.csv") == Compression::none);
}

TEST_CASE("compression: what does not compress comes back too", "[formats][compress]") {
  std::string noise;
  std::uint64_t state = 1;
  for (int i = 0; i < 300000; ++i) noise += static_cast<char>((state = state * 6364136223846793005u + 1442695040888963407u) >> 56);
  const test::TemporaryFolder folder;
  for (const Compression compression : {Compression::gzip, Compression::zstd}) {
    std::string out;
    append_compressed(compression, noise, out);
    append_compressed(compression, std::string_view("tail"), out);
    CHECK(decompressed(folder.write("noise", out)) == noise + "tail");
  }
}

}  // namespace
}  // namespace smtrain::formats
