#include "formats/recordio/recordio_parser.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <cstring>
#include <limits>

#include "formats/recordio/framing.h"
#include "formats/recordio_samples.h"

using namespace smtrain;
using namespace smtrain::formats;
using namespace smtrain::formats::testing;

TEST_CASE("recordio: the dense fixtures parse to their numbers at any block size", "[formats][recordio]") {
  const std::vector<std::vector<float>> rows{{1.5f, -2.0f, 0.25f}, {0.0f, 4.0f, -0.5f}, {16.0f, 14.0f, 23.0f}};
  for (const std::size_t chunk : {1, 5, 36, 56, 57, 1000}) {
    for (const bool sparse : {false, true}) {
      CAPTURE(chunk, sparse);
      NullLog log;
      RecordIoParser labelled({}), plain({});
      const ParsedTable a = parse_file(labelled, fixture("dense_label.pbr"), log, chunk, sparse);
      CHECK(a.rows == rows);
      CHECK(a.labels == std::vector<float>{1, 0, 1});
      CHECK_FALSE(a.schema.sparse);
      const ParsedTable b = parse_file(plain, fixture("dense_nolabel.pbr"), log, chunk, sparse);
      CHECK(b.rows == rows);
      CHECK(b.schema.label_width == 0);
    }
  }
}

namespace {

using recordio::append_frame;
using recordio::append_record;
using recordio::SparseValues;

std::string framed(const std::string& payload) {
  std::string out;
  append_frame(out, payload, false);
  return out;
}

std::string dense(const std::vector<float>& values, const std::vector<float>& label = {}) {
  std::string payload;
  append_record(payload, values, nullptr, label);
  return framed(payload);
}

std::string sparse(const std::vector<std::uint32_t>& keys, const std::vector<float>& values, std::uint64_t dim,
                   const std::vector<float>& label = {}) {
  std::string payload;
  const SparseValues parts{keys, dim};
  append_record(payload, values, &parts, label);
  return framed(payload);
}

std::string pb_field(int number, const std::string& bytes) {
  return std::string(1, static_cast<char>(number << 3 | 2)) + static_cast<char>(bytes.size()) + bytes;
}
/// A framed Record whose features are the tensor of Value field `kind`.
std::string with_tensor(int kind, const std::string& tensor, const std::string& key = "values") {
  return framed(pb_field(1, pb_field(1, key) + pb_field(2, pb_field(kind, tensor))));
}
std::string f32(const std::vector<float>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

ParsedTable parsed(const std::string& file, TableOptions options = {}, bool as_sparse = false) {
  NullLog log;
  RecordIoParser parser(options);
  return parse_file(parser, file, log, 4096, as_sparse);  // many records to a block: layouts repeat
}

std::string refusal(const std::string& file, TableOptions options = {}) {
  const std::string as_dense = error_of([&] { parsed(file, options, false); });
  CHECK(error_of([&] { parsed(file, options, true); }) == as_dense);
  return as_dense;
}

TableOptions with_dim(std::size_t dim) {
  TableOptions options;
  options.feature_dim = dim;
  return options;
}

struct RandomTable {
  std::string file;
  ParsedTable expected;
};

// Dense, sparse and mixed rows, with and without labels, layouts that repeat and that change.
RandomTable random_table(std::uint64_t seed) {
  RandomStream random(seed, "recordio");
  RandomTable table;
  const std::size_t dim = 1 + random.below(40), width = random.below(3), rows = 1 + random.below(60);
  const std::uint64_t kind = random.below(3);
  for (std::size_t i = 0; i < rows; ++i) {
    std::vector<float> row(dim), label(width);
    const bool is_sparse = kind == 1 || (kind == 2 && random.below(2) == 0);
    for (float& x : row) x = is_sparse && random.below(3) > 0 ? 0.0f : static_cast<float>(random.normal());
    for (float& y : label) y = static_cast<float>(random.below(10));
    std::vector<std::uint32_t> keys;
    std::vector<float> values;
    for (std::size_t j = 0; j < dim; ++j) {
      if (row[j] == 0.0f) continue;
      keys.push_back(static_cast<std::uint32_t>(j));
      values.push_back(row[j]);
    }
    table.file += is_sparse ? sparse(keys, values, dim, label) : dense(row, label);
    table.expected.rows.push_back(row);
    table.expected.labels.insert(table.expected.labels.end(), label.begin(), label.end());
  }
  return table;
}

}  // namespace

TEST_CASE("recordio: random tables come back at every block size", "[formats][recordio]") {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const RandomTable table = random_table(seed);
    for (const std::size_t chunk : {std::size_t{1}, std::size_t{100}, std::size_t{333}, std::size_t{4096}, table.file.size()}) {
      for (const bool as_sparse : {false, true}) {
        CAPTURE(seed, chunk, as_sparse);
        NullLog log;
        RecordIoParser parser({});
        const ParsedTable found = parse_file(parser, table.file, log, chunk, as_sparse);
        REQUIRE(found.rows == table.expected.rows);
        REQUIRE(found.labels == table.expected.labels);
      }
    }
  }
}

TEST_CASE("recordio: split and unsplit records mix", "[formats][recordio]") {
  float magic;
  std::memcpy(&magic, "\x0a\x23\xd7\xce", 4);
  // The tensor's own bytes before it decide where a value is aligned: try all columns.
  for (std::size_t column = 0; column < 6; ++column) {
    std::vector<float> row(6, 1.0f);
    row[column] = magic;
    std::string payload, file;
    append_record(payload, row, nullptr, {});
    append_frame(file, payload, true);
    file += dense(row) + file;
    CHECK(parsed(file).rows == std::vector<std::vector<float>>(3, row));
  }
}

TEST_CASE("recordio: the sparse fixture's records parse, each in its own width", "[formats][recordio]") {
  const std::string file = fixture("sparse_label.pbr");
  const ParsedTable first = parsed(file.substr(0, 60)), second = parsed(file.substr(60, 68)), third = parsed(file.substr(128));
  CHECK(first.schema.sparse);
  CHECK(first.rows == std::vector<std::vector<float>>{{0, 3.5f, 0, 0, 0, -1.0f, 0, 0}});
  CHECK(second.schema.feature_dim == 9284);
  CHECK(second.rows[0][9283] == 4.0f);
  CHECK(second.rows[0][200] == 1.0f);
  CHECK(third.schema.sparse);
  CHECK(third.rows == std::vector<std::vector<float>>{std::vector<float>(8, 0.0f)});
  CHECK(refusal(file) == "t/x, record 1 (byte 60): features.values: a sparse row of 9284 columns, expected 8 as in the first record");
}

TEST_CASE("recordio: all number types become float32, each loss with one warning", "[formats][recordio]") {
  CollectedLog log;
  RecordIoParser parser({});
  const std::string doubles = with_tensor(3, pb_field(1, bytes_of("00 00 00 00 00 00 f8 3f 9a 99 99 99 99 99 b9 3f")));
  const std::string small = with_tensor(7, pb_field(1, bytes_of("80 80 80 08 05")));        // 2^24, 5
  const std::string large = with_tensor(7, pb_field(1, bytes_of("81 80 80 08 05")));        // 2^24 + 1, 5
  const ParsedTable table = parse_file(parser, doubles + small + large + doubles + large, log, 40);
  CHECK(table.rows == std::vector<std::vector<float>>{{1.5f, 0.1f}, {16777216, 5}, {16777216, 5}, {1.5f, 0.1f}, {16777216, 5}});
  REQUIRE(log.lines.size() == 2);
  CHECK(log.lines[0].second == "t/x: features.values holds float64 numbers; they are rounded to float32");
  CHECK(log.lines[1].second == "t/x: features.values holds integers beyond 2^24; they are rounded to float32");
  CollectedLog quiet;
  RecordIoParser other({});
  parse_file(other, small, quiet);
  CHECK(quiet.lines.empty());
}

TEST_CASE("recordio: keys in any order are sorted", "[formats][recordio]") {
  CHECK(parsed(sparse({4, 0, 2}, {40, 1, 20}, 5), {}, true).rows == std::vector<std::vector<float>>{{1, 0, 20, 0, 40}});
  CHECK(parsed(sparse({4, 0, 2}, {40, 1, 20}, 5)).rows == std::vector<std::vector<float>>{{1, 0, 20, 0, 40}});
}

TEST_CASE("recordio: sparse records without a shape need a known feature_dim", "[formats][recordio]") {
  const std::string bare = with_tensor(2, pb_field(1, f32({2, 3})) + pb_field(2, bytes_of("01 04")));
  CHECK_THAT(refusal(bare), Catch::Contains("features.values.float32_tensor.shape: missing in a sparse record"));
  CHECK(parsed(bare, with_dim(6)).rows == std::vector<std::vector<float>>{{0, 2, 0, 0, 3, 0}});
  CHECK(parsed(sparse({0}, {1}, 5) + bare).rows[1] == std::vector<float>{0, 2, 0, 0, 3});
  CHECK_THAT(refusal(bare, with_dim(4)), Catch::Contains("keys[1] is 4, expected a key below 4"));
}

TEST_CASE("recordio: broken tensors are refused with field, found and expected", "[formats][recordio]") {
  const auto tensor = [](const std::string& t) { return refusal(with_tensor(2, t)); };
  const std::string path = "t/x, record 0 (byte 0): features.values.float32_tensor.";
  CHECK(tensor(pb_field(1, f32({1})) + pb_field(2, bytes_of("08")) + pb_field(3, bytes_of("08"))) ==
        path + "keys[0] is 8, expected a key below 8");
  CHECK(tensor(pb_field(1, f32({1, 2})) + pb_field(2, bytes_of("03 03")) + pb_field(3, bytes_of("08"))) ==
        "t/x, record 0 (byte 0): features.values.float32_tensor.keys: 3 stands there twice, expected each key once");
  CHECK(tensor(pb_field(1, f32({1, 2})) + pb_field(2, bytes_of("03")) + pb_field(3, bytes_of("08"))) ==
        path + "keys: 1 keys for 2 values, expected as many keys as values");
  CHECK(tensor(pb_field(1, f32({1, 2})) + pb_field(3, bytes_of("03"))) ==
        path + "values: 2 values in a shape of 3, expected as many values as the shape says, at least 1");
  CHECK(tensor("") == path + "values: no values, expected one per feature");
  CHECK(tensor(pb_field(3, bytes_of("00"))) ==
        path + "values: 0 values in a shape of 0, expected as many values as the shape says, at least 1");
  const std::string huge = bytes_of("80 80 80 80 80 80 80 80 40");  // 2^62
  CHECK_THAT(tensor(pb_field(1, f32({1})) + pb_field(2, bytes_of("00")) + pb_field(3, huge + bytes_of("04"))),
             Catch::Contains("shape: the product of its 2 dimensions is beyond 64 bits"));
  CHECK_THAT(tensor(pb_field(1, f32({1})) + pb_field(2, bytes_of("00")) + pb_field(3, huge)), Catch::Contains("expected at most 4294967295"));
  CHECK_THAT(refusal(with_tensor(9, "")), Catch::Contains("features.values: found bytes, expected a float32, float64 or int32 tensor"));
  CHECK_THAT(refusal(with_tensor(7, "", "source")), Catch::Contains("features: found the key \"source\", expected the key \"values\""));
  CHECK_THAT(refusal(framed("")), Catch::Contains("features: found no entry, expected the key \"values\""));
}

TEST_CASE("recordio: matrices count as their row-major values", "[formats][recordio]") {
  CHECK(parsed(with_tensor(2, pb_field(1, f32({1, 2, 3, 4, 5, 6})) + pb_field(3, bytes_of("02 03")))).schema.feature_dim == 6);
  CHECK(parsed(with_tensor(2, pb_field(1, f32({9})) + pb_field(2, bytes_of("04")) + pb_field(3, bytes_of("02 03")))).rows[0] ==
        std::vector<float>{0, 0, 0, 0, 9, 0});
}

TEST_CASE("recordio: numbers that are not finite are refused with record, index and value", "[formats][recordio]") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const std::string good = dense({1, 2, 3});
  CHECK(refusal(good + good + dense({1, 2, -inf}) + good) ==
        "t/x, record 2 (byte 72): features.values.float32_tensor.values[2] is -inf, expected a finite number");
  CHECK_THAT(refusal(good + dense({1, nan, 3})), Catch::Contains("values[1] is nan, expected a finite number"));
  CHECK_THAT(refusal(dense({1}, {0}) + dense({1}, {inf})), Catch::Contains("label.values.float32_tensor.values[0] is inf"));
  CHECK_THAT(refusal(sparse({1}, {nan}, 2)), Catch::Contains("values[0] is nan"));
  CHECK_THAT(refusal(with_tensor(3, pb_field(1, bytes_of("9c 75 00 88 3c e4 37 7e")))),
             Catch::Contains("float64_tensor.values[0] is 1e+300, expected a number that fits float32"));
  TableOptions lenient;
  lenient.missing = Missing::passed_on;
  CHECK(std::isnan(parsed(good + dense({1, nan, 3}), lenient).rows[1][1]));
}

TEST_CASE("recordio: widths come from feature_dim or the first record", "[formats][recordio]") {
  CHECK(refusal(dense({1, 2}) + dense({1, 2, 3})) ==
        "t/x, record 1 (byte 32): features.values: a dense row of 3 columns, expected 2 as in the first record");
  CHECK(refusal(dense({1, 2}), with_dim(3)) ==
        "t/x, record 0 (byte 0): features.values: a dense row of 2 columns, expected 3 as feature_dim says");
}

TEST_CASE("recordio: labels are as wide as the first record's", "[formats][recordio]") {
  CHECK(parsed(dense({1}, {7, 8}) + dense({2}, {9, 10})).labels == std::vector<float>{7, 8, 9, 10});
  CHECK_THAT(refusal(dense({1}, {7}) + dense({2})), Catch::Contains("record 1 ") && Catch::Contains("label.values: found no label, expected 1 as in the first record"));
  CHECK_THAT(refusal(dense({1}, {7}) + dense({2}, {1, 2})), Catch::Contains("label.values: found 2 values, expected 1"));
  CHECK(parsed(dense({1}) + dense({2}, {5})).labels.empty());
  TableOptions supervised;
  supervised.supervised = true;
  CHECK_THAT(refusal(dense({1}), supervised), Catch::Contains("label.values: found no label, expected one"));
}

TEST_CASE("recordio: integer labels that change between records of one layout are read anew", "[formats][recordio]") {
  std::string file;
  std::vector<float> expected;
  for (int i = 0; i < 20; ++i) {
    const int label = i % 3;
    file += framed(pb_field(1, pb_field(1, "values") + pb_field(2, pb_field(2, pb_field(1, f32({1.0f * static_cast<float>(i)}))))) +
                   pb_field(2, pb_field(1, "values") + pb_field(2, pb_field(7, pb_field(1, std::string(1, static_cast<char>(label)))))));
    expected.push_back(static_cast<float>(label));
  }
  CHECK(parsed(file).labels == expected);
}

TEST_CASE("recordio: a padding missing at the very end is tolerated with one warning", "[formats][recordio]") {
  const std::string file = sparse({1}, {2}, 3) + sparse({2}, {5}, 3);
  std::string cut = file;
  while (cut.back() == '\0') cut.pop_back();
  REQUIRE(cut.size() < file.size());
  CollectedLog log;
  RecordIoParser parser({});
  CHECK(parse_file(parser, cut, log, 32).rows == std::vector<std::vector<float>>{{0, 2, 0}, {0, 0, 5}});
  REQUIRE(log.lines.size() == 1);
  CHECK(log.lines[0].second == "t/x: the padding of the last record is missing; the file may have been cut off");
}

TEST_CASE("recordio: other formats are told by name", "[formats][recordio]") {
  CHECK_THAT(refusal("1,2,3\n4,5,6\n"), Catch::Contains("CSV text"));
  CHECK_THAT(refusal("{\"features\":[1]}\n"), Catch::Contains("JSON"));
  CHECK_THAT(refusal(bytes_of("1f 8b 08 00 00 00 00 00")), Catch::Contains("gzip data"));
  CHECK_THAT(refusal(bytes_of("ce d7 23 0a 00 00 00 00")), Catch::Contains("big-endian recordIO"));
  CHECK_THAT(refusal("PAR1xxxxxxxx"), Catch::Contains("Parquet"));
  CHECK_THAT(refusal(fixture("dense_nolabel.pbr").substr(8, 28)), Catch::Contains("protobuf without framing"));
  CHECK_THAT(refusal(framed(std::string(24, '\0') + bytes_of("ff d8 ff e0 00 10 4a 46"))),
             Catch::Contains("an MXNet image recordIO (application/x-recordio), expected numeric"));
  CHECK_THAT(refusal(""), Catch::Contains("no bytes, expected recordIO-protobuf records"));
}

TEST_CASE("recordio: a record above the limit is refused before it is read", "[formats][recordio]") {
  TableOptions options;
  options.max_record_bytes = 40;
  CHECK_THAT(refusal(dense({1}) + dense(std::vector<float>(10, 1.0f)), options),
             Catch::StartsWith("t/x, record 1 (byte 28): a payload of 56 bytes, expected at most 40"));
}

TEST_CASE("recordio: a file cut off at any byte is an error with its place or a shorter table", "[formats][recordio]") {
  const std::string file = dense({1, 2}, {0}) + sparse({1}, {3}, 2, {1}) + dense({4, 5}, {0});
  for (std::size_t size = 1; size < file.size(); ++size) {
    CAPTURE(size);
    std::size_t rows = 0;
    const std::string message = error_of([&] { rows = parsed(file.substr(0, size)).rows.size(); });
    if (message == "no error") {
      // Whole records, or a record without its padding.
      CHECK(rows >= 1);
    } else {
      CHECK_THAT(message, Catch::StartsWith("t/x, record ") && Catch::Contains("truncated"));
    }
  }
}

TEST_CASE("recordio: every change of a single byte is a table or an error with its place", "[formats][recordio]") {
  const std::string file = dense({1, 2}, {0}) + sparse({1}, {3}, 2, {1}) + dense({4, 5}, {0});
  std::size_t refused = 0;
  for (std::size_t at = 0; at < file.size(); ++at) {
    for (int change = 1; change < 256; ++change) {
      std::string damaged = file;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      for (const bool as_sparse : {false, true}) {
        std::string message;
        try {
          NullLog log;
          RecordIoParser parser({});
          parse_file(parser, damaged, log, 4096, as_sparse);
        } catch (const Error& e) {
          message = e.what();
        }
        if (message.empty()) continue;
        ++refused;
        if (!message.starts_with("t/x, record ")) FAIL("no place at byte " << at << ": " << message);
      }
    }
  }
  CHECK(refused > file.size());
}
