#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <random>

#include "base/temporary_folder.h"
#include "formats/matrix/matrix_market_parser.h"
#include "formats/matrix/npy_parser.h"
#include "formats/recordio_samples.h"
#include "formats/table_sink.h"
#include "formats/table_stream.h"

using namespace smtrain;
using namespace smtrain::formats;
using namespace smtrain::formats::testing;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

using Rows = std::vector<std::vector<float>>;

TableOptions typed(const std::string& type) {
  TableOptions options;
  options.type = parse_content_type(type);
  return options;
}

template <class Parser>
ParsedTable parsed(const std::string& file, const std::string& type, std::size_t chunk = 7, bool as_sparse = false) {
  NullLog log;
  Parser parser(typed(type));
  return parse_file(parser, file, log, chunk, as_sparse);
}

ParsedTable npy(const std::string& file, const std::string& parameters = ";label_size=0", std::size_t chunk = 7, bool as_sparse = false) {
  return parsed<NpyParser>(file, "npy" + parameters, chunk, as_sparse);
}

ParsedTable mtx(const std::string& file, const std::string& parameters = ";label_size=0", std::size_t chunk = 7, bool as_sparse = false) {
  return parsed<MatrixMarketParser>(file, "mtx" + parameters, chunk, as_sparse);
}

// As numpy.save writes it.
std::string npy_file(const std::string& descr, const std::string& order, const std::string& shape, const std::string& numbers, char version = 1) {
  std::string dictionary = "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }";
  const std::size_t start = version == 1 ? 10 : 12;
  while ((start + dictionary.size() + 1) % 64 != 0) dictionary += ' ';
  dictionary += '\n';
  std::string file = "\x93NUMPY";
  file += version;
  file += '\0';
  file += static_cast<char>(dictionary.size() & 0xFF);
  file += static_cast<char>(dictionary.size() >> 8);
  if (version > 1) file += std::string(2, '\0');
  return file + dictionary + numbers;
}

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

}  // namespace

TEST_CASE("npy: every type, order and version, at any block size", "[formats][npy]") {
  const Rows expected{{1, 2, 3}, {4, 5, 6}};
  const auto check = [&]<class T>(const std::string& descr, T) {
    CAPTURE(descr);
    for (const char version : {1, 2, 3}) {
      for (const std::size_t chunk : {std::size_t{1}, std::size_t{13}, std::size_t{1000}}) {
        for (const bool as_sparse : {false, true}) {
          CHECK(npy(npy_file(descr, "False", "(2, 3)", bytes_of(std::vector<T>{1, 2, 3, 4, 5, 6}), version), ";label_size=0", chunk, as_sparse).rows == expected);
          CHECK(npy(npy_file(descr, "True", "(2, 3)", bytes_of(std::vector<T>{1, 4, 2, 5, 3, 6}), version), ";label_size=0", chunk, as_sparse).rows == expected);
        }
      }
    }
  };
  check("<f4", 0.0f);
  check("<f8", 0.0);
  check("|i1", std::int8_t{0});
  check("<i2", std::int16_t{0});
  check("<i4", std::int32_t{0});
  check("<i8", std::int64_t{0});
  check("|u1", std::uint8_t{0});
  check("<u2", std::uint16_t{0});
  check("<u4", std::uint32_t{0});
  check("<u8", std::uint64_t{0});
  CHECK(npy(npy_file("|b1", "False", "(2,)", std::string("\1\0", 2))).rows == Rows{{1}, {0}});
  const ParsedTable labelled = npy(npy_file("<f4", "False", "(2, 3)", bytes_of(std::vector<float>{1, 2, 3, 4, 5, 6})), ";label_size=1");
  CHECK(labelled.labels == std::vector<float>{1, 4});
  CHECK(labelled.rows == Rows{{2, 3}, {5, 6}});
}

TEST_CASE("npy: what is no matrix of numbers is refused", "[formats][npy]") {
  const auto refusal = [](const std::string& file) {
    const std::string message = error_of([&] { npy(file, ";label_size=0", 1000); });
    CHECK_THAT(message, StartsWith("t/x"));
    return message;
  };
  const std::string two = bytes_of(std::vector<float>{1, 2});
  CHECK_THAT(refusal(npy_file(">f4", "False", "(2,)", two)), Contains("descr: \">f4\"; expected one of <f4"));
  CHECK_THAT(refusal(npy_file("<c8", "False", "(1,)", two)), Contains("astype"));
  CHECK_THAT(refusal(npy_file("<f4", "False", "(1, 1, 2)", two)), Contains("3 dimensions"));
  CHECK_THAT(refusal(npy_file("<f4", "False", "()", two)), Contains("0 dimensions"));
  CHECK_THAT(refusal(npy_file("<f4", "Maybe", "(2,)", two)), Contains("expected True or False"));
  CHECK_THAT(refusal(npy_file("<f4", "False", "(3,)", two)), Contains("2 rows of 4 bytes; the header says 3 rows"));
  CHECK_THAT(refusal(npy_file("<f4", "False", "(1,)", two)), Contains("2 rows of 4 bytes; the header says 1 rows"));
  CHECK_THAT(refusal(npy_file("<f4", "False", "(2,)", two.substr(0, 7))), Contains("1 rows of 4 bytes and 3 bytes"));
  CHECK_THAT(refusal(npy_file("<f4", "False", "(9223372036854775807, 4)", two)), Contains("beyond 64 bits"));
  CHECK_THAT(refusal(npy_file("<f4", "False", "(1, 0)", "")), Contains("no column"));
  CHECK_THAT(refusal(npy_file("<f4", "False", "(2,)", bytes_of(std::vector<float>{1, INFINITY}))), Contains("record 1: column 1: inf is not a finite float32"));
  CHECK_THAT(refusal(npy_file("<f4", "False", "(2,)", two, 4)), Contains("version 4"));
  CHECK_THAT(refusal("1,2,3\n"), Contains("looks like CSV text; expected a NumPy array"));
}

TEST_CASE("mtx: coordinates in any order, arrays, patterns and symmetry", "[formats][mtx]") {
  const Rows expected{{0, 2, 0}, {1.5f, 0, 3}, {0, 0, 0}};
  for (const bool as_sparse : {false, true}) {
    const ParsedTable t = mtx("%%MatrixMarket matrix coordinate real general\n% c\n\n3 3 3\n2 3 3\n1 2 2\n\n2 1 1.5\n", ";label_size=0", 9, as_sparse);
    CHECK(t.rows == expected);
    CHECK(t.schema.sparse);
    const ParsedTable array = mtx("%%MatrixMarket matrix array real general\n3 3\n0\n1.5\n0\n2\n0\n0\n0\n3\n0", ";label_size=0", 9, as_sparse);
    CHECK(array.rows == expected);
    CHECK_FALSE(array.schema.sparse);
    CHECK(mtx("%%MatrixMarket MATRIX Coordinate Pattern Symmetric\r\n2 2 2\r\n1 1\r\n2 1\r\n", ";label_size=0", 9, as_sparse).rows == Rows{{1, 1}, {1, 0}});
    CHECK(mtx("%%MatrixMarket matrix coordinate integer skew-symmetric\n2 2 1\n2 1 7\n", ";label_size=0", 9, as_sparse).rows == Rows{{0, -7}, {7, 0}});
    CHECK(mtx("%%MatrixMarket matrix array real symmetric\n2 2\n1\n2\n3\n", ";label_size=0", 9, as_sparse).rows == Rows{{1, 2}, {2, 3}});
    CHECK(mtx("%%MatrixMarket matrix array real skew-symmetric\n2 2\n2\n", ";label_size=0", 9, as_sparse).rows == Rows{{0, -2}, {2, 0}});
    const ParsedTable labelled = mtx("%%MatrixMarket matrix coordinate real general\n2 3 2\n1 1 4\n2 3 5\n", ";label_size=1", 9, as_sparse);
    CHECK(labelled.labels == std::vector<float>{4, 0});
    CHECK(labelled.rows == Rows{{0, 0}, {0, 5}});
  }
}

TEST_CASE("mtx: problems name the line", "[formats][mtx]") {
  const auto refusal = [](const std::string& body, const std::string& form = "coordinate real general") {
    return error_of([&] { mtx("%%MatrixMarket matrix " + form + "\n" + body, ";label_size=0", 1000); });
  };
  CHECK(refusal("2 2 1\n3 1 1\n") == "t/x:3: row \"3\"; expected 1 to 2");
  CHECK(refusal("2 2 1\n1 0 1\n") == "t/x:3: column \"0\"; expected 1 to 2");
  CHECK(refusal("2 2 1\n1 1 x\n") == "t/x:3: \"x\" is not a number");
  CHECK(refusal("2 2 1\n1 1 nan\n") == "t/x:3: \"nan\" is not a finite float32");
  CHECK(refusal("2 2 1\n1 1 1 1\n") == "t/x:3: \"1\" behind the entry; expected the end of the line");
  CHECK(refusal("2 2 2\n1 1 1\n") == "t/x:3: the file ends after 1 entries; the size line says 2");
  CHECK(refusal("2 2 1\n1 1 1\n% c\n2 2 2\n") == "t/x:5: more entries than the 1 of the size line");
  CHECK(refusal("2 2 2\n1 1 1\n1 1 2\n") == "t/x: entry (1, 1) stands there twice; expected each once");
  CHECK(refusal("2 2\n") == "t/x:2: \"2 2\"; expected rows, columns and entries");
  CHECK(refusal("2 3 1\n1 1 1\n", "coordinate real symmetric") == "t/x:2: 2 x 3; expected a symmetric matrix to be square");
  CHECK_THAT(refusal("2 2 1\n", "coordinate complex general"), StartsWith("t/x:1: field \"complex\"; expected real, double"));
  CHECK_THAT(refusal("4000000000 2 1\n1 1 1\n"), Contains("is the file whole?"));
  CHECK_THAT(refusal("4000000000 4000000000\n1\n", "array real general"), Contains("is the file whole?"));
  CHECK_THAT(refusal("2 2\n1\n2\n3\n", "array real general"), StartsWith("t/x:5: the file ends before row 2 of column 2"));
  CHECK_THAT(error_of([&] { mtx("1,2\n"); }), Contains("looks like CSV text"));
}

TEST_CASE("npy and mtx: files count their rows, whole or absent, and compressed or streamed ones are refused", "[formats][npy][mtx]") {
  const test::TemporaryFolder folder;
  const std::vector<float> values{1, 0, 2, 3, 4, 5};
  Batch batch;
  batch.rows = 3;
  batch.cols = batch.ld = 2;
  batch.dense = values.data();
  NullLog log;
  for (const std::string name : {"a.npy", "a.mtx"}) {
    CAPTURE(name);
    TableWriterOptions writing;
    writing.type = parse_content_type(name.substr(2));
    {
      TableSink sink(folder / name, writing, 2);
      sink.write(batch);
      sink.write(batch);
      sink.commit();
    }
    TableStreamOptions options;
    options.table = typed(name.substr(2) + ";label_size=0");
    options.threads = 2;
    const auto stream = open_table_stream((folder / name).string(), false, options, log);
    std::size_t rows = 0;
    for (Batch b; stream->next(b); rows += b.rows) {
      if (!b.sparse()) CHECK(b.dense[2 * b.ld + 1] == 5);
    }
    CHECK(rows == 6);
    CHECK_THAT(error_of([&] { TableSink(folder / (name + ".gz"), writing, 1); }), Contains("begins with the number of its rows"));
    CHECK_THAT(error_of([&] { TableSink("-", writing, 1); }), StartsWith("standard output: "));
    std::vector<float> weights(3, 1.0f);
    Batch weighted = batch;
    weighted.weights = weights.data();
    TableSink sink(folder / "w", writing, 1);
    CHECK_THAT(error_of([&] { sink.write(weighted); }), Contains("has no place for the weights"));
  }
}

TEST_CASE("npy and mtx: every truncation and every change of a byte is a table or an error with its place", "[formats][npy][mtx]") {
  const std::string array = npy_file("<f4", "False", "(2, 2)", bytes_of(std::vector<float>{1, 2, 3, 4}));
  const std::string text = "%%MatrixMarket matrix coordinate real general\n2 3 2\n1 1 4\n2 3 5\n";
  const auto survives = [](auto&& read, const std::string& file) {
    try {
      read(file);
    } catch (const Error& e) {
      if (e.fault() != Fault::user || !std::string(e.what()).starts_with("t/x")) FAIL("no place: " << e.what());
    }
  };
  for (std::size_t at = 0; at < array.size(); ++at) {
    survives([](const std::string& f) { npy(f); }, array.substr(0, at));
    for (int change = 1; change < 256; ++change) {
      std::string damaged = array;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      survives([](const std::string& f) { npy(f); }, damaged);
    }
  }
  for (std::size_t at = 0; at < text.size(); ++at) {
    survives([](const std::string& f) { mtx(f); }, text.substr(0, at));
    for (int change = 1; change < 256; ++change) {
      std::string damaged = text;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      survives([](const std::string& f) { mtx(f); }, damaged);
    }
  }
}
