#include "formats/text/csv_parser.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <random>
#include <string>

#include "formats/table_help.h"
#include "formats/text/csv_writer.h"

using namespace smtrain;
using namespace smtrain::formats;
using Catch::Matchers::Contains;

namespace {

struct Options {
  std::size_t feature_dim = 0;
  bool supervised = false;
  Missing missing = Missing::refused;
};

TableOptions table_options(const std::string& type, Options o = {}) {
  TableOptions options;
  options.type = parse_content_type(type);
  options.feature_dim = o.feature_dim;
  options.supervised = o.supervised;
  options.missing = o.missing;
  return options;
}

TestTable read(const std::string& type, const std::string& bytes, Options o = {}, std::size_t step = 1 << 20) {
  CsvParser parser(table_options(type, o));
  NullLog log;
  return read_in_steps(parser, bytes, step, log);
}

std::string refusal(const std::string& type, const std::string& bytes, Options o = {}, std::size_t step = 1 << 20) {
  return error_of([&] { read(type, bytes, o, step); });
}

using Floats = std::vector<float>;
const std::string kPlain = "text/csv;label_size=0";

}  // namespace

TEST_CASE("csv: rows, columns and the forms a number takes", "[formats][csv]") {
  const TestTable t = read(kPlain, "1,2.5,-3\n+1,.5,1e-3\n");
  CHECK(t.schema.feature_dim == 3);
  CHECK(t.schema.label_width == 0);
  CHECK_FALSE(t.schema.sparse);
  CHECK(t.values == Floats{1, 2.5f, -3, 1, .5f, 1e-3f});
}

TEST_CASE("csv: line ends, a last line without one, blanks, a BOM and blank lines at the end change nothing", "[formats][csv]") {
  const Floats expected{1, 2, 3, 4};
  for (const char* text : {"1,2\n3,4\n", "1,2\r\n3,4\r\n", "1,2\n3,4", "1,2\r\n3,4\r", "\xEF\xBB\xBF"
                                                                                   "1,2\n3,4\n",
                           " 1 ,\t2\n3, 4 \n", "1,2\n3,4\n\n\n", "1,2\r\n3,4\r\n\r\n \r\n", "\"1\",\"2\"\n3,\" 4\"\n", "1,2\n3,4\n  "})
    for (const std::size_t step : {1u, 2u, 3u, 5u, 1000u}) {
      CAPTURE(text, step);
      CHECK(read(kPlain, text, {}, step).values == expected);
    }
}

TEST_CASE("csv: the last field may be longer than any look ahead, with nothing behind it", "[formats][csv]") {
  for (const std::size_t zeros : {1u, 14u, 15u, 16u, 60u, 63u, 64u, 65u, 127u, 128u, 129u, 300u}) {
    CAPTURE(zeros);
    const std::string field = std::string(zeros, '0') + "7";
    CHECK(read(kPlain, "1,2\n3," + field).values == Floats{1, 2, 3, 7});
    CHECK(read(kPlain, field).values == Floats{7});
    CHECK_THAT(refusal(kPlain, "1,2\n3," + std::string(zeros, 'x')), Contains("train/a.csv:2: column 2"));
    CHECK_THAT(refusal(kPlain, "1,2\n" + field), Contains("train/a.csv:2"));
  }
}

TEST_CASE("csv: delimiters by character and by name, other quotes and none", "[formats][csv]") {
  const Floats expected{1, 2, 3, 4};
  CHECK(read("text/csv;label_size=0;delimiter=semicolon", "1;2\n3;4\n").values == expected);
  CHECK(read("text/csv;label_size=0;delimiter=\";\"", "1;2\n3;4\n").values == expected);
  CHECK(read("text/csv;label_size=0;delimiter=tab", "1\t2\n3\t 4\n").values == expected);
  CHECK(read("text/csv;label_size=0;delimiter=space", "1 2\n3 4\n").values == expected);
  CHECK(read("text/csv;label_size=0;delimiter=pipe", "1|2\n3|4\n").values == expected);
  CHECK(read("tsv;label_size=0", "1\t2\n3\t4\n").values == expected);
  CHECK(read("text/csv;label_size=0;quote='", "'1','2'\n3,4\n").values == expected);
  CHECK_THAT(refusal("text/csv;label_size=0;quote=none", "\"1\",2\n"), Contains("column 1: \"\\\"1\\\"\" is not a number"));
}

TEST_CASE("csv: labels by count, by index and by name", "[formats][csv]") {
  const std::string text = "1,2,3\n4,5,6\n";
  TestTable t = read("text/csv;label_size=1", text);
  CHECK(t.labels == Floats{1, 4});
  CHECK(t.values == Floats{2, 3, 5, 6});
  t = read("text/csv;label_size=2", text);
  CHECK(t.labels == Floats{1, 2, 4, 5});
  t = read("text/csv;label=-1", text);
  CHECK(t.labels == Floats{3, 6});
  CHECK(t.values == Floats{1, 2, 4, 5});
  t = read("text/csv;label=1", text);
  CHECK(t.labels == Floats{2, 5});
  CHECK(t.values == Floats{1, 3, 4, 6});
  t = read("text/csv;label=\"2,0\"", text);
  CHECK(t.labels == Floats{3, 1, 6, 4});
  CHECK(t.values == Floats{2, 5});
  t = read("text/csv;header=true;label=b", "a,\"b\",\"c \"\"d\"\", e\"\n" + text);
  CHECK(t.labels == Floats{2, 5});
  CHECK(t.values == Floats{1, 3, 4, 6});
  CHECK(t.schema.column_names == std::vector<std::string>{"a", "c \"d\", e"});
}

TEST_CASE("csv: a bare type takes a label when supervised, and follows feature_dim when not", "[formats][csv]") {
  CHECK(read("text/csv", "1,2,3\n", {.supervised = true}).schema.label_width == 1);
  for (const auto& [dim, labels] : {std::pair{3u, 0u}, std::pair{2u, 1u}, std::pair{0u, 0u}}) {
    CsvParser parser(table_options("text/csv", {.feature_dim = dim}));
    CollectedLog log;
    const TestTable t = read_in_steps(parser, "1,2,3\n", 100, log);
    CHECK(t.schema.label_width == labels);
    REQUIRE(log.lines.size() == 1);
    CHECK(log.lines[0].first == Level::warning);
    CHECK_THAT(log.lines[0].second, Contains("assumed label_size=" + std::to_string(labels)));
  }
  CHECK(refusal("text/csv", "1,2,3\n", {.feature_dim = 7}) ==
        "train/a.csv:1: 3 columns; feature_dim says 7 (is the label column counted? label_size is not given)");
}

TEST_CASE("csv: widths that do not fit are refused with both counts", "[formats][csv]") {
  CHECK(refusal(kPlain, "1,2,3\n", {.feature_dim = 2}) ==
        "train/a.csv:1: 3 columns; feature_dim says 2 (is the label column counted? label_size is 0)");
  CHECK(refusal("text/csv", "1,2,3\n", {.feature_dim = 3, .supervised = true}) ==
        "train/a.csv:1: 3 columns; feature_dim says 3 (is the label column counted? label_size is 1)");
  CHECK(refusal(kPlain, "1,2\n3,4\n5,6,7\n") ==
        "train/a.csv:3: 3 columns; expected 2 as in the first record (label_size is 0, feature_dim 2)");
  CHECK(refusal(kPlain, "1,2\n3\n5,6\n") ==
        "train/a.csv:2: 1 column; expected 2 as in the first record (label_size is 0, feature_dim 2)");
  CHECK_THAT(refusal(kPlain, "1,2\n3,4,\n"), Contains("train/a.csv:2: 3 columns"));
  CHECK(refusal("text/csv;label_size=1", "1\n2\n") == "train/a.csv:1: 1 column and label_size is 1: no feature column is left");
  CHECK_THAT(refusal("text/csv;label_size=99999999999", "1\n2\n"), Contains("no feature column is left"));
}

TEST_CASE("csv: text, empty fields and numbers that are not finite are refused by line and column", "[formats][csv]") {
  CHECK(refusal(kPlain, "a,b\n1,2\n") ==
        "train/a.csv:1: column 1: \"a\" is not a number; expected 2 numeric columns; if this line is a header, add "
        ";header=true to the content type");
  CHECK(refusal(kPlain, "1,2\n3,x y\n") == "train/a.csv:2: column 2: \"x y\" is not a number; expected 2 numeric columns");
  CHECK(refusal(kPlain, "1,2\n,4\n") == "train/a.csv:2: column 1: empty; the numeric algorithms have no missing values");
  CHECK(refusal(kPlain, "1,2,\n3,4,\n") ==
        "train/a.csv:1: column 3: empty; the numeric algorithms have no missing values (does the line end with a delimiter?)");
  CHECK(refusal(kPlain, "1,NaN\n") ==
        "train/a.csv:1: column 2: \"NaN\" is not a finite number; the numeric algorithms have no missing values");
  CHECK(refusal(kPlain, "1,-inf\n") ==
        "train/a.csv:1: column 2: \"-inf\" is not a finite number; the numeric algorithms have no missing values");
  CHECK(refusal(kPlain, "1,1e39\n") == "train/a.csv:1: column 2: \"1e39\" is beyond float32 (largest 3.4028235e38)");
  CHECK(refusal("text/csv;header=true;label_size=0", "age,\"in come\"\n1,2\n3,?\n") ==
        "train/a.csv:3: column 2 (\"in come\"): \"?\" is not a number; expected 2 numeric columns");
  CHECK_THAT(refusal(kPlain, "1,\"2\"x\n"), Contains("train/a.csv:1: column 2: text follows the closing quote"));
  CHECK_THAT(refusal(kPlain, "1,2\n\"3,4\n5,6\n"), Contains("train/a.csv:2: a quote is not closed before the end"));
  CHECK_THAT(refusal(kPlain, "\"3,4\n5,6\n"), Contains("train/a.csv:1: a quote is not closed"));
}

TEST_CASE("csv: the first fault of a block is the one reported, at the line it stands on", "[formats][csv]") {
  const std::string type = "text/csv;label_size=0;header=true;quote='";
  std::string text = "a,'b\n(second line of its name)'\n";
  for (int i = 3; i <= 500; ++i) text += i == 118 ? "1,abc\n" : i == 300 ? "1,2,3\n" : i % 3 ? "1,2\n" : "1,'2'\n";
  for (const std::size_t step : {7u, 64u, 100000u}) CHECK_THAT(refusal(type, text, {}, step), Contains("train/a.csv:118: column 2 (\"b\\n"));
}

TEST_CASE("csv: a blank line before the end is refused, after the rows before it", "[formats][csv]") {
  const std::string message = "train/a.csv:2: a blank line; expected 2 columns (blank lines may stand only at the end)";
  for (const std::size_t step : {1u, 2u, 3u, 1000u}) {
    CAPTURE(step);
    CHECK(refusal(kPlain, "1,2\n\n3,4\n", {}, step) == message);
    CHECK(refusal(kPlain, "1,2\r\n \r\n\r\n3,4\r\n", {}, step) == message);
  }
  CHECK_THAT(refusal(kPlain, "1,x\n\n3,4\n"), Contains("is not a number"));
  CHECK_THAT(refusal(kPlain, "\n1,2\n"), Contains("train/a.csv:1: a blank line"));
}

TEST_CASE("csv: missing values pass as NaN where they are allowed", "[formats][csv]") {
  const TestTable t = read(kPlain, "1,,nan\n\"\",inf,-Infinity\n", {.missing = Missing::passed_on});
  REQUIRE(t.values.size() == 6);
  CHECK(std::isnan(t.values[1]));
  CHECK(std::isnan(t.values[2]));
  CHECK(std::isnan(t.values[3]));
  CHECK(t.values[4] == INFINITY);
  CHECK(t.values[5] == -INFINITY);
  CHECK_THAT(refusal(kPlain, "1,1e39\n", {.missing = Missing::passed_on}), Contains("beyond float32"));
}

TEST_CASE("csv: parameters that cannot be are refused by name", "[formats][csv]") {
  const std::string text = "1,2,3\n";
  CHECK_THAT(refusal("text/csv;charset=latin1", text), Contains("charset=\"latin1\": expected utf-8"));
  CHECK(read("text/csv;label_size=0;charset=UTF-8;encoding=utf8", text).rows == 1);
  CHECK_THAT(refusal("text/csv;delimiter=ab", text), Contains("delimiter=\"ab\": expected one character"));
  CHECK_THAT(refusal("text/csv;delimiter=;label_size=0", text), Contains("delimiter=\"\""));
  CHECK_THAT(refusal("text/csv;delimiter=5", text), Contains("no part of a number"));
  CHECK_THAT(refusal("text/csv;quote=,", text), Contains("the same character"));
  CHECK_THAT(refusal("text/csv;label_size=-1", text), Contains("label_size=-1: expected 0 or more"));
  CHECK_THAT(refusal("text/csv;label_size=x", text), Contains("label_size=\"x\": expected an integer"));
  CHECK_THAT(refusal("text/csv;header=maybe", text), Contains("expected true or false"));
  CHECK_THAT(refusal("text/csv;label=y", text), Contains("a name needs header=true"));
  CHECK_THAT(refusal("text/csv;label=3", text), Contains("expected 0 to 2, or -1 to -3 from the end"));
  CHECK_THAT(refusal("text/csv;label=-4", text), Contains("expected 0 to 2"));
  CHECK_THAT(refusal("text/csv;label=\"1,1\"", text), Contains("given twice"));
  CHECK_THAT(refusal("text/csv;label=1;label_size=2", text), Contains("label names 1 column, label_size says 2"));
  CHECK_THAT(refusal("text/csv;header=true;label=prise", "price,size\n1,2\n"), Contains("did you mean price?"));
  CHECK_THAT(refusal("text/csv;header=true;label=a", "a,a\n1,2\n"), Contains("two columns are named \"a\""));
  CHECK_THAT(refusal("text/csv;header=true;label_size=0", "a,b\n1,2,3\n"), Contains("train/a.csv:2: 3 columns; the header names 2"));
}

TEST_CASE("csv: an unknown parameter is ignored with a warning", "[formats][csv]") {
  CsvParser parser(table_options("text/csv;label_size=0;lable=3"));
  CollectedLog log;
  read_in_steps(parser, "1,2\n", 10, log);
  REQUIRE(log.lines.size() == 1);
  CHECK_THAT(log.lines[0].second, Contains("lable=\"3\" is not known and ignored; did you mean label?"));
}

TEST_CASE("csv: every file of a channel has the header of the first", "[formats][csv]") {
  CsvParser parser(table_options("text/csv;label_size=0;header=true"));
  NullLog log;
  TestTable t = read_in_steps(parser, "a,b\n1,2\n", 100, log);
  for (const std::size_t step : {1u, 4u, 100u}) {
    t.rows = 0;
    t.values.clear();
    read_file_in_steps(parser, "\xEF\xBB\xBF" "a,b\r\n3,4\r\n5,6", "train/b.csv", step, t);
    CHECK(t.values == Floats{3, 4, 5, 6});
    CHECK(error_of([&] { read_file_in_steps(parser, "a,c\n3,4\n", "train/c.csv", step, t); }) ==
          "train/c.csv:1: the header differs from that of the first file: column 2 is \"c\", expected \"b\"");
    CHECK_THAT(error_of([&] { read_file_in_steps(parser, "a,b\n3,x\n", "train/c.csv", step, t); }), Contains("train/c.csv:2: column 2"));
  }
  CHECK_THAT(error_of([&] { read_file_in_steps(parser, "1\n", "train/c.csv", 9, t); }),
             Contains("train/c.csv:1: the header names 1 columns; that of the first file names 2"));
}

TEST_CASE("csv: a header alone is a table without rows", "[formats][csv]") {
  const TestTable t = read("text/csv;label_size=1;header=true", "y,a,b\n");
  CHECK(t.rows == 0);
  CHECK(t.schema.feature_dim == 2);
}

TEST_CASE("csv: what is no text is refused by what it looks like", "[formats][csv]") {
  CHECK_THAT(refusal(kPlain, std::string("\x1F\x8B\x08\0\0\0", 6)), Contains("looks like gzip data; expected CSV text"));
  CHECK_THAT(refusal(kPlain, std::string("\x0A\x23\xD7\xCE\x10\0\0\0\x0A\x06", 10)), Contains("looks like"));
  CHECK_THAT(refusal(kPlain, std::string("\xFF\xFE""1\0,\0", 6)), Contains("UTF-16 text"));
}

TEST_CASE("csv: a first record without an end is bounded", "[formats][csv]") {
  TableOptions options = table_options(kPlain);
  options.max_record_bytes = 1000;
  NullLog log;
  for (const char* start : {"1", "\"1"}) {
    CsvParser parser(options);
    const std::string text = start + std::string(1000, '1');
    CHECK_THAT(error_of([&] { parser.probe(std::span(text.data(), 1000), "a.csv", log); }), Contains("is this CSV text?"));
  }
}

TEST_CASE("csv: sparse reading leaves out zeros and keeps labels", "[formats][csv]") {
  CsvParser parser(table_options("text/csv;label_size=1"));
  NullLog log;
  const std::string text = "1,0,2,0\n2,0,0,0\n3,-0,5,6\n";
  parser.probe(std::span(text.data(), text.size()), "a.csv", log);
  SparseRows rows;
  parser.parse_sparse({std::span(text.data(), text.size()), std::make_shared<const std::string>("a.csv"), 0, 0, 1, 3}, rows, log);
  CHECK(rows.indptr == std::vector<std::uint64_t>{0, 1, 1, 3});
  CHECK(rows.indices == std::vector<std::uint32_t>{1, 1, 2});
  CHECK(rows.values == Floats{2, 5, 6});
  CHECK(rows.labels == Floats{1, 2, 3});
}

TEST_CASE("csv: what is written reads back bit for bit, in blocks of any size", "[formats][csv]") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 60; ++round) {
    const std::size_t rows = 1 + random() % 40, cols = 1 + random() % 7, labels = random() % 3;
    Floats values(rows * cols), targets(rows * labels);
    for (Floats* numbers : {&values, &targets})
      for (float& v : *numbers) {
        const std::uint32_t bits = random() % 3 ? random() : 0;
        std::memcpy(&v, &bits, sizeof v);
        if (random() % 3 == 0) v = static_cast<float>(static_cast<int>(random() % 2000) - 1000);
        if (!std::isfinite(v)) v = -0.0f;
      }
    const bool header = random() % 2;
    const std::string type = "text/csv;label_size=" + std::to_string(labels) + (header ? ";header=true" : "") +
                             (random() % 2 ? ";delimiter=tab" : "");
    Batch batch;
    batch.rows = rows;
    batch.cols = batch.ld = cols;
    batch.dense = values.data();
    batch.labels = labels == 0 ? nullptr : targets.data();
    batch.label_width = labels;
    CsvWriter writer({.type = parse_content_type(type), .recordio_split = false, .column_names = {}});
    std::string text;
    writer.begin(batch, text);
    writer.encode(batch, 0, rows / 2, text);
    writer.encode(batch, rows / 2, rows - rows / 2, text);
    writer.end(text);
    for (const std::size_t step : {std::size_t{1}, std::size_t{1} + random() % 50, std::size_t{70} + random() % 200, text.size()}) {
      const TestTable t = read(type, text, {}, step);
      REQUIRE(t.rows == rows);
      CHECK(std::memcmp(t.values.data(), values.data(), values.size() * sizeof(float)) == 0);
      CHECK((labels == 0 || std::memcmp(t.labels.data(), targets.data(), targets.size() * sizeof(float)) == 0));
    }
  }
}

TEST_CASE("csv: runs of digits between numbers of every form", "[formats][csv]") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::vector<std::string> forms = {"12", "-3", "0.25", " 4", "\"5\"", "6.0117647061", "1e2", "+7", "123456789012345678901"};
  for (int round = 0; round < 200; ++round) {
    const std::size_t rows = 1 + random() % 8, cols = 3 + random() % 120;
    std::string text;
    std::vector<Floats> expected(rows);
    for (Floats& row : expected) {
      for (std::size_t c = 0; c < cols; ++c) {
        const bool digit = random() % 40 != 0;
        const std::string field = digit ? std::string(1, static_cast<char>('0' + random() % 10)) : forms[random() % forms.size()];
        row.push_back(std::strtof(field.c_str() + (field[0] == '"' ? 1 : 0), nullptr));
        text += field + (c + 1 == cols ? "\n" : ",");
      }
    }
    const TestTable t = read("text/csv;label=" + std::to_string(random() % cols), text, {}, 1 + random() % text.size());
    const std::size_t label = t.schema.label_width;
    REQUIRE(label == 1);
    REQUIRE(t.rows == rows);
    for (std::size_t r = 0; r < rows; ++r) {
      Floats found(t.values.begin() + static_cast<std::ptrdiff_t>(r * (cols - 1)), t.values.begin() + static_cast<std::ptrdiff_t>((r + 1) * (cols - 1)));
      const auto at = std::mismatch(found.begin(), found.end(), expected[r].begin()).first - found.begin();
      found.insert(found.begin() + at, t.labels[r]);
      if (found != expected[r]) FAIL("row " << r << " of:\n" << text);
    }
  }
  for (std::size_t cols = 2; cols < 40; ++cols) {
    std::string row = "1";
    for (std::size_t c = 1; c < cols; ++c) row += ",1";
    CHECK_THAT(refusal(kPlain, row + "\n" + row + ",1\n" + row + "\n" + row + "\n"), Contains("train/a.csv:2: " + std::to_string(cols + 1) + " columns"));
    CHECK_THAT(refusal(kPlain, row + "\n" + row.substr(2) + "\n" + row + "\n" + row + "\n" + row), Contains("train/a.csv:2: " + std::to_string(cols - 1) + " column"));
  }
}

TEST_CASE("csv: a column of weights, behind the label or where the type says", "[formats][csv]") {
  const std::string text = "1,0.5,7,8\n0,2,9,10\n";
  for (const std::size_t step : {1u, 7u, 1000u}) {
    const TestTable t = read("text/csv;label_size=1;weights=1", text, {}, step);
    CHECK(t.schema.weights);
    CHECK(t.schema.feature_dim == 2);
    CHECK(t.labels == Floats{1, 0});
    CHECK(t.weights == Floats{0.5f, 2});
    CHECK(t.values == Floats{7, 8, 9, 10});
  }
  CHECK(read("text/csv;label_size=0;weights=1", text).weights == Floats{1, 0});
  CHECK(read("text/csv;label=0;weight=-1", text).weights == Floats{8, 10});
  const TestTable named = read("text/csv;header=true;label=y;weight=w", "a,w,y\n1,2,3\n");
  CHECK(named.weights == Floats{2});
  CHECK(named.values == Floats{1});
  CHECK(named.schema.column_names == std::vector<std::string>{"a"});
  CHECK(read("text/csv;weights=1", text, {.feature_dim = 2}).labels == Floats{1, 0});
  CHECK_FALSE(read("text/csv;label_size=1", text).schema.weights);

  SparseRows rows;
  CsvParser parser(table_options("text/csv;label_size=1;weights=1"));
  NullLog log;
  parser.probe(text, "a.csv", log);
  parser.parse_sparse({text, std::make_shared<const std::string>("a.csv"), 0, 0, 1, 2}, rows, log);
  CHECK(rows.weights == Floats{0.5f, 2});
}

TEST_CASE("csv: weights below 0 and weight columns that cannot be are refused", "[formats][csv]") {
  CHECK(refusal("text/csv;label_size=1;weights=1", "1,1,2\n1,-0.5,2\n") ==
        "train/a.csv:2: column 2: the weight of the row is -0.5; expected 0 or more");
  CHECK_THAT(refusal("text/csv;label_size=1;weights=1", "1,1\n"), Contains("no feature column is left"));
  CHECK_THAT(refusal("text/csv;label=0;weight=0", "1,1,1\n"), Contains("column 0 is a label and the weight"));
  CHECK_THAT(refusal("text/csv;label_size=0;weight=w", "1,1\n"), Contains("weight=\"w\": a name needs header=true"));
}
