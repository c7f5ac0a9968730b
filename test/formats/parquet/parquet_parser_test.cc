// Parquet files as tables.
#include "formats/parquet/parquet_parser.h"

#include <catch2/catch.hpp>

#include <cmath>

#include "base/error.h"
#include "formats/scratch_folder.h"
#include "formats/table_help.h"
#include "formats/table_stream.h"

using namespace smtrain;
using namespace smtrain::formats;

namespace {

std::string sample(const std::string& name) { return std::string(SMTRAIN_TEST_DATA) + "/parquet/" + name; }

struct Read {
  TableSchema schema;
  std::vector<std::vector<float>> rows;    // dense, whatever the batch is
  std::vector<std::vector<float>> labels;
  std::vector<float> weights;
  std::vector<std::string> places;
};

struct Options {
  std::string type = "parquet";
  bool supervised = false;
  Missing missing = Missing::refused;
  std::size_t feature_dim = 0;
  int threads = 1;
  std::int64_t epochs = 1;
  std::uint64_t cache_bytes = 0;
};

Read read(const std::string& path, const Options& wanted = {}) {
  TableStreamOptions options;
  options.table.type = parse_content_type(wanted.type);
  options.table.supervised = wanted.supervised;
  options.table.missing = wanted.missing;
  options.table.feature_dim = wanted.feature_dim;
  options.threads = wanted.threads;
  options.epochs = wanted.epochs;
  options.cache_bytes = wanted.cache_bytes;
  options.mini_batch_size = 37;
  options.block_bytes = 2000;
  NullLog log;
  const auto stream = open_table_stream(path, false, options, log);
  Read out{stream->schema(), {}, {}, {}, {}};
  for (std::int64_t epoch = 0; epoch < wanted.epochs; ++epoch) {
    if (epoch > 0) stream->next_epoch();
    for (Batch b; stream->next(b);) {
      for (std::size_t i = 0; i < b.rows; ++i) {
        std::vector<float>& row = out.rows.emplace_back(b.cols);
        if (b.sparse()) {
          for (std::uint64_t k = b.indptr[i]; k < b.indptr[i + 1]; ++k)
            row[b.indices[k - b.indptr[0]]] = b.values[k - b.indptr[0]];
        } else {
          std::copy_n(b.dense + i * b.ld, b.cols, row.begin());
        }
        if (b.labels != nullptr) out.labels.emplace_back(b.labels + i * b.label_width, b.labels + (i + 1) * b.label_width);
        if (b.weights != nullptr) out.weights.push_back(b.weights[i]);
        out.places.push_back(b.where(i));
      }
    }
  }
  return out;
}

std::vector<float> numbers_row(int i) {
  const float f = static_cast<float>(i);
  return {f * 3, i % 11 == 5 ? NAN : f / 4, f / 4, i % 3 == 0 ? 1.0f : 0.0f};
}

void check_row(const std::vector<float>& found, const std::vector<float>& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t k = 0; k < found.size(); ++k)
    REQUIRE((found[k] == expected[k] || (std::isnan(found[k]) && std::isnan(expected[k]))));
}

}  // namespace

TEST_CASE("parquet table: all number types, and nulls as missing values", "[formats][parquet]") {
  for (const int threads : {1, 2, 5}) {
    for (const std::int64_t epochs : {1, 3}) {
      for (const std::uint64_t cache : {0, 3000, 1 << 20}) {
        const Read table = read(sample("numbers.parquet"), {"parquet", true, Missing::passed_on, 0, threads, epochs, cache});
        CAPTURE(threads, epochs, cache);
        CHECK(table.schema.column_names == std::vector<std::string>{"a", "b", "c", "d"});
        REQUIRE(table.rows.size() == static_cast<std::size_t>(700 * epochs));
        for (int i = 0; i < 700 * epochs; ++i) {
          check_row(table.rows[static_cast<std::size_t>(i)], numbers_row(i % 700));
          REQUIRE(table.labels[static_cast<std::size_t>(i)] == std::vector<float>{static_cast<float>(i % 700 % 2)});
        }
      }
    }
  }
}

TEST_CASE("parquet table: labels by number, name and place; weights", "[formats][parquet]") {
  const auto first = [](const std::string& type, bool supervised = false, std::size_t feature_dim = 0) {
    return read(sample("embeddings.parquet"), {type, supervised, Missing::refused, feature_dim});
  };
  Read table = first("parquet;label_size=1", false, 4);
  CHECK(table.schema.feature_dim == 4);
  CHECK(table.schema.column_names[3] == "vector[3]");
  CHECK(table.rows[9] == std::vector<float>{9, 9.125f, 9.25f, 9.375f});
  CHECK(table.labels[9] == std::vector<float>{4.5f});
  CHECK(first("parquet", true).schema.label_width == 1);
  CHECK(first("parquet").schema.feature_dim == 5);
  CHECK(first("parquet;label=target").schema.feature_dim == 4);
  CHECK(first("parquet;label=0").schema.feature_dim == 4);
  table = first("parquet;label_size=0;weights=1");
  CHECK(table.schema.feature_dim == 4);
  CHECK(table.weights[9] == 4.5f);
  table = read(sample("numbers.parquet"), {"parquet;label=-1,y", false, Missing::passed_on});
  CHECK(table.labels[3] == std::vector<float>{1, 1});
  CHECK(table.schema.column_names == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("parquet table: a folder of Spark with vectors, dense and sparse", "[formats][parquet]") {
  for (const char* const name : {"spark", "spark_sparse"}) {
    for (const bool supervised : {false, true}) {
      const Read table = read(sample(name), {"parquet", supervised});
      CAPTURE(name, supervised);
      CHECK(table.schema.sparse == (std::string(name) == "spark_sparse"));
      REQUIRE(table.rows.size() == 40);
      for (int i = 0; i < 40; ++i) {
        const auto at = static_cast<std::size_t>(i);
        const float f = static_cast<float>(i);
        REQUIRE(table.rows[at] == std::vector<float>{f, 0, f / 4});
        REQUIRE(table.labels[at] == std::vector<float>{static_cast<float>(i % 2)});
        REQUIRE(table.places[at] ==
                fmt::format("{}/part-0000{}-6a1fa0a3-c000.snappy.parquet, record {}", sample(name), i / 20, i % 20));
      }
    }
  }
}

TEST_CASE("parquet table: each refusal says what and where", "[formats][parquet]") {
  using Catch::Contains;
  const auto error = [](const std::string& name, const Options& options = {}) {
    return error_of([&] { read(sample(name), options); });
  };
  CHECK_THAT(error("plain.parquet"),
             Contains("plain.parquet: a table has numbers alone, but column \"text\" is text, \"bytes\" is binary, ") &&
                 Contains("\"millis\" is a timestamp") && Contains("\"day\" is a date") &&
                 Contains("\"lists\" is lists of lists") && Contains("\"words\" is a list of text;"));
  CHECK_THAT(error("numbers.parquet"), Contains("numbers.parquet, row 5, column \"b\": null is not a finite number"));
  CHECK_THAT(error("numbers.parquet", {"parquet", true, Missing::passed_on, 7}),
             Contains("4 features; feature_dim says 7 (is the label column counted? there is 1 label)"));
  CHECK_THAT(error("numbers.parquet", {"parquet;label=z"}), Contains("no column is named \"z\""));
  CHECK_THAT(error("numbers.parquet", {"parquet;label=5"}), Contains("label=5, but there are 5 columns"));
  CHECK_THAT(error("numbers.parquet", {"parquet;label=a,a"}), Contains("label \"a\" is given twice"));
  CHECK_THAT(error("numbers.parquet", {"parquet;label_size=5"}),
             Contains("5 columns and label_size is 5: no feature column is left"));
  CHECK_THAT(error("embeddings.parquet", {"parquet;label=vector"}), Contains("the label \"vector\" is a list"));
  CHECK_THAT(error("make.py"), Contains("is no Parquet"));
}

TEST_CASE("parquet table: a later file has the columns of the first", "[formats][parquet]") {
  const ScratchFolder folder;
  const auto copy = [&](const std::string& from, const std::string& to) {
    std::filesystem::copy_file(sample(from), folder / to, std::filesystem::copy_options::overwrite_existing);
  };
  copy("numbers.parquet", "a.parquet");
  copy("embeddings.parquet", "b.parquet");
  CHECK_THAT(error_of([&] {
               read(folder.path(), {"parquet", true, Missing::passed_on});
             }),
             Catch::Contains("b.parquet: has no column \"y\", which the first file has"));
  // Other types of the same columns will do, and another order: Spark's folders of two runs.
  copy("spark/part-00000-6a1fa0a3-c000.snappy.parquet", "a.parquet");
  copy("spark_sparse/part-00001-6a1fa0a3-c000.snappy.parquet", "b.parquet");
  const Read table = read(folder.path());
  REQUIRE(table.rows.size() == 40);
  CHECK(table.rows[39] == std::vector<float>{39, 0, 9.75f});
  CHECK(table.labels[39] == std::vector<float>{1});
}
