#include "formats/json/json_parser.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <random>

#include "formats/json/json_row.h"
#include "formats/json/json_writer.h"
#include "formats/recordio_samples.h"

using namespace smtrain;
using namespace smtrain::formats;
using namespace smtrain::formats::testing;

namespace {

using Rows = std::vector<std::vector<float>>;

template <class Parser>
ParsedTable parsed(const std::string& file, TableOptions options = {}, std::size_t chunk = 7, bool as_sparse = false) {
  NullLog log;
  Parser parser(options);
  return parse_file(parser, file, log, chunk, as_sparse);
}

template <class Parser>
std::string refusal(const std::string& file, TableOptions options = {}) {
  const std::string as_dense = error_of([&] { parsed<Parser>(file, options); });
  CHECK(error_of([&] { parsed<Parser>(file, options, 7, true); }) == as_dense);
  return as_dense;
}

std::string lines_refusal(const std::string& file) { return refusal<JsonLinesParser>(file); }
std::string document(const std::string& instances) { return R"({"instances": [)" + instances + "]}"; }

constexpr const char* kDense = R"({"features": [1.5, 16, -3e-1, 0]})";
constexpr const char* kNested = R"({"data": {"features": {"values": [1, 2, 3, 4]}}})";
constexpr const char* kSparse = R"({"data": {"features": {"keys": [3, 1], "shape": [4], "values": [7, 5]}}})";
constexpr const char* kZeros = R"({"data": {"features": {"keys": [], "shape": [4], "values": []}}})";
const Rows kRows{{1.5f, 16, -0.3f, 0}, {1, 2, 3, 4}, {0, 5, 0, 7}, {0, 0, 0, 0}};

}  // namespace

TEST_CASE("json: every form of instance is read, in both formats, at any block size", "[formats][json]") {
  const std::string forms[] = {kDense, kNested, kSparse, kZeros};
  const std::string lines = forms[0] + "\n\n" + forms[1] + "\r\n  \n" + forms[2] + "\n" + forms[3];
  const std::string doc = document(forms[0] + "," + forms[1] + ",\n" + forms[2] + "," + forms[3]);
  for (const std::size_t chunk : {1, 10, 50, 1000}) {
    for (const bool as_sparse : {false, true}) {
      CAPTURE(chunk, as_sparse);
      CHECK(parsed<JsonLinesParser>(lines, {}, chunk, as_sparse).rows == kRows);
      CHECK(parsed<JsonLinesParser>("\xEF\xBB\xBF" + lines + "\n", {}, chunk, as_sparse).rows == kRows);
      CHECK(parsed<JsonParser>(doc, {}, chunk, as_sparse).rows == kRows);
      CHECK(parsed<JsonParser>("\xEF\xBB\xBF" + doc + "\n", {}, chunk, as_sparse).rows == kRows);
    }
  }
  CHECK_FALSE(parsed<JsonLinesParser>(lines).schema.sparse);
  CHECK(parsed<JsonLinesParser>(kSparse).schema.sparse);
  CHECK(parsed<JsonParser>(document(kZeros)).schema.sparse);
}

TEST_CASE("json: other members are ignored", "[formats][json]") {
  const std::string line = R"({"label": "cat", "id": "x", "features": [1, 2], "configuration": {"k": [1]}, "weight": {}, "qid": -1})";
  const ParsedTable table = parsed<JsonLinesParser>(line);
  CHECK(table.rows == Rows{{1, 2}});
  CHECK(table.schema.label_width == 0);
  CHECK_FALSE(table.schema.weights);
  CHECK_FALSE(table.schema.qids);
}

namespace {

TableOptions typed(const std::string& parameters, bool supervised = false) {
  TableOptions options;
  options.type = parse_content_type("jsonl" + parameters);
  options.supervised = supervised;
  return options;
}

// Labels, weights and query ids of a text, dense and sparse.
struct Beside {
  TableSchema schema;
  std::vector<float> labels, weights;
  std::vector<std::uint64_t> qids;
};

template <class Parser>
Beside beside(const std::string& text, const TableOptions& options) {
  NullLog log;
  Parser parser(options);
  Beside found;
  found.schema = parser.probe(text, "t/x", log);
  RawBlock block{text, std::make_shared<const std::string>("t/x"), 0, 0, 1, 0};
  const std::size_t n = block.records = parser.cut(block, true, true).records;
  std::vector<float> values(n * found.schema.feature_dim);
  found.labels.resize(n * found.schema.label_width);
  found.weights.resize(found.schema.weights ? n : 0);
  found.qids.resize(found.schema.qids ? n : 0);
  const DenseRun run{n, values.data(), found.schema.feature_dim, found.labels.empty() ? nullptr : found.labels.data(),
                     found.weights.empty() ? nullptr : found.weights.data(), found.qids.empty() ? nullptr : found.qids.data()};
  parser.parse_dense(block, {&run, 1}, log);
  SparseRows rows;
  parser.parse_sparse(block, rows, log);
  REQUIRE(rows.labels == found.labels);
  REQUIRE(rows.weights == found.weights);
  REQUIRE(rows.qids == found.qids);
  return found;
}

}  // namespace

TEST_CASE("json: labels, weights and query ids are read, or left out as the type says", "[formats][json]") {
  const std::string first = R"({"features":[1],"label":2,"weight":0.5,"qid":18446744073709551615})";
  const std::string second = R"({"id":"slow", "qid": 4, "weight": 3, "label": 1.5, "features": [2]})";
  const auto check = [](const Beside& b) {
    CHECK(b.labels == std::vector<float>{2, 1.5f});
    CHECK(b.weights == std::vector<float>{0.5f, 3});
    CHECK(b.qids == std::vector<std::uint64_t>{18446744073709551615u, 4});
  };
  check(beside<JsonLinesParser>(first + "\n" + second + "\n", typed("", true)));
  check(beside<JsonParser>(document(first + "," + second), typed("")));
  const Beside none = beside<JsonLinesParser>(first + "\n" + second, typed(";label_size=0;weights=0;qid=0"));
  CHECK(none.schema.label_width == 0);
  CHECK_FALSE(none.schema.weights);
  CHECK_FALSE(none.schema.qids);
  CHECK(beside<JsonLinesParser>(R"({"features":[1],"label":[2,3]})", typed("")).labels == std::vector<float>{2, 3});
}

TEST_CASE("json: labels that differ from the first instance's are refused", "[formats][json]") {
  const std::string good = "{\"features\":[1],\"label\":2}\n";
  CHECK(lines_refusal(good + "{\"features\":[1]}\n") ==
        "t/x:2: label: no such member, expected 1 number as in the first instance; ;label_size=0 in the content type leaves it out");
  CHECK_THAT(lines_refusal(good + "{\"features\":[1],\"label\":[1,2]}\n"), Catch::StartsWith("t/x:2: label: found 2 numbers, expected 1 number"));
  CHECK_THAT(lines_refusal(good + "{\"features\":[1],\"label\":\"a\"}\n"), Catch::StartsWith("t/x:2: label: found \"a\", expected 1 number"));
  CHECK(refusal<JsonLinesParser>("{\"features\":[1]}\n", typed("", true)) ==
        "t/x:1: label: no such member, expected a number or a list of numbers in every instance");
  CHECK_THAT(refusal<JsonLinesParser>("{\"features\":[1],\"label\":\"a\"}\n", typed("", true)), Catch::StartsWith("t/x:1: label: found \"a\""));
  CHECK_THAT(refusal<JsonLinesParser>(good, typed(";label_size=2")), Catch::Contains("expected 2 as label_size says"));
  CHECK_THAT(lines_refusal("{\"features\":[1],\"weight\":-1}\n"), Catch::Contains("weight: found -1, expected a number of at least 0"));
  CHECK_THAT(lines_refusal("{\"features\":[1],\"qid\":1}\n{\"features\":[1]}\n"), Catch::StartsWith("t/x:2: qid: no such member"));
}

TEST_CASE("json: the quick reader agrees with the general one wherever it reads", "[formats][json]") {
  const unsigned seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937 random(seed);
  JsonRowReader quick(Missing::refused), general(Missing::refused);
  simdjson::dom::parser parser;
  const char* forms[] = {R"({"features":[1.5,16,-3e-1,0,0.125,1234567.5,0.10000000149011612,-0.0],"label":1})",
                         R"( { "features" : [ 1 , 2.25e3,-7E+2 ] , "weight":0.5 , "label" : [ 1, 0 ], "qid": 12 } )",
                         R"({"data":{"features":{"keys":[3,1],"shape":[4],"values":[7,5]}},"label":-1})",
                         R"({"data":{"features":{"values":[1,2],"keys":[],"shape":[]}}})"};
  const std::string others = "0123456789.-+eE,:[]{}\" \t\\x";
  std::size_t both = 0;
  for (int trial = 0; trial < 60000; ++trial) {
    std::string text = forms[random() % 4];
    for (std::size_t changes = random() % 3; changes > 0; --changes) {
      const std::size_t at = random() % text.size();
      const char c = others[random() % others.size()];
      if (random() % 3 == 0) text.erase(at, 1);
      else if (random() % 2) text[at] = c;
      else text.insert(at, 1, c);
    }
    CAPTURE(text);
    const std::string padded = text + std::string(64, "5 ],}\n"[random() % 6]);
    JsonRow fast;
    bool refused = false;
    try {
      const JsonRow* row = quick.scan(std::string_view(padded).substr(0, text.size()), 4);
      if (row == nullptr) continue;
      fast = *row;
    } catch (const Error&) {
      refused = true;
    }
    ++both;
    simdjson::dom::element element;
    REQUIRE(parser.parse(text).get(element) == simdjson::SUCCESS);
    if (refused) {
      CHECK_THROWS_AS(general.read(element, 4), Error);
      continue;
    }
    const JsonRow& slow = general.read(element, 4);
    REQUIRE(fast.values == slow.values);  // but for the sign of an integer 0, which simdjson does not keep
    REQUIRE(fast.keys == slow.keys);
    REQUIRE(fast.labels == slow.labels);
    REQUIRE(fast.weight == slow.weight);
    REQUIRE(fast.qid == slow.qid);
    REQUIRE(fast.shape.dim == slow.shape.dim);
    REQUIRE(fast.shape.sparse == slow.shape.sparse);
  }
  CHECK(both > 20000);
}

TEST_CASE("json: a comma behind an object is tolerated with one warning", "[formats][json]") {
  CollectedLog log;
  JsonLinesParser parser({});
  CHECK(parse_file(parser, "{\"features\":[1]},\n{\"features\":[2]} , \n{\"features\":[3]}\n", log, 3).rows == Rows{{1}, {2}, {3}});
  REQUIRE(log.lines.size() == 1);
  CHECK(log.lines[0].second == "t/x:1: a comma behind the object; JSON Lines have none");
}

TEST_CASE("json lines: problems name line, field, what was found and what was expected", "[formats][json]") {
  const std::string good = "{\"features\":[1,2]}\n";
  CHECK(lines_refusal(good + "\n\n{\"features\":[1,\"a\"]}\n") == "t/x:4: features[1]: found \"a\", expected a number");
  CHECK(lines_refusal(good + "{\"features\":[1,null]}\n") == "t/x:2: features[1]: found null, expected a number");
  CHECK(lines_refusal(good + "{\"features\":[1e39,0]}\n") == "t/x:2: features[0]: found 1e+39, expected a number that fits float32");
  CHECK(lines_refusal(good + "{\"features\":[1,2,3]}\n") ==
        "t/x:2: features: a dense row of 3 columns, expected 2 as in the first record");
  CHECK_THAT(lines_refusal(good + "{\"features\":[1,2\n"), Catch::StartsWith("t/x:2: not valid JSON: \"{\\\"features\\\":[1,2\""));
  CHECK_THAT(lines_refusal("[1,2]\n"), Catch::StartsWith("t/x:1: found an array, expected an object such as {\"features\":[1.5,16]}"));
  CHECK_THAT(lines_refusal("{\"feature\":[1,2]}\n"), Catch::Contains("neither \"features\" nor \"data\" is there"));
  CHECK_THAT(lines_refusal("{\"data\":[1,2]}\n"), Catch::Contains("data: no member \"features\""));
  CHECK(lines_refusal("{\"features\":3}\n") == "t/x:1: features: found 3, expected a list of numbers");
  CHECK(lines_refusal("{\"features\":[]}\n") == "t/x:1: features: an empty list, expected one number per feature");
  CHECK_THAT(lines_refusal("{\"data\":{\"features\":{\"keys\":[1]}}}\n"), Catch::Contains("data.features: no member \"values\""));
  CHECK_THAT(lines_refusal(good + " , \n"), Catch::StartsWith("t/x:2: found nothing, expected an object such as"));
  CHECK_THAT(lines_refusal(" \n\n"), Catch::Contains("no line with an instance"));
}

TEST_CASE("json lines: sparse rows obey the rules of sparse rows", "[formats][json]") {
  const auto sparse = [](const std::string& members) { return "{\"data\":{\"features\":{" + members + "}}}\n"; };
  CHECK(lines_refusal(sparse(R"("keys":[4],"shape":[4],"values":[1])")) == "t/x:1: data.features.keys[0] is 4, expected a key below 4");
  CHECK(lines_refusal(sparse(R"("keys":[2,2],"shape":[4],"values":[1,1])")) ==
        "t/x:1: data.features.keys: 2 stands there twice, expected each key once");
  CHECK_THAT(lines_refusal(sparse(R"("keys":[-1],"shape":[4],"values":[1])")),
             Catch::Contains("data.features.keys[0]: found -1, expected an integer of at least 0"));
  CHECK_THAT(lines_refusal(sparse(R"("keys":[1],"values":[1])")), Catch::Contains("data.features.shape: missing in a sparse record"));
  CHECK_THAT(lines_refusal(sparse(R"("keys":[1],"shape":[99999999999],"values":[1])")), Catch::Contains("expected at most 4294967295"));
  TableOptions options;
  options.feature_dim = 3;
  CHECK(parsed<JsonLinesParser>(sparse(R"("keys":[1],"values":[1])"), options).rows == Rows{{0, 1, 0}});
}

TEST_CASE("json document: problems name the instance, and bare lists show the right form", "[formats][json]") {
  const std::string good = R"({"features":[1,2]})";
  CHECK(refusal<JsonParser>(document(good + "," + R"({"features":[1,true]})")) ==
        "t/x: instance 1: features[1]: found true, expected a number");
  CHECK(refusal<JsonParser>(document(good + "," + R"({"features":[1]})")) ==
        "t/x: instance 1: features: a dense row of 1 columns, expected 2 as in the first record");
  CHECK(refusal<JsonParser>("[[1,2],[3,4]]") == "t/x: found an array, expected a document such as {\"instances\":[{\"features\":[1.5,16]}]}");
  CHECK_THAT(refusal<JsonParser>(document("[1,2],[3,4]")), Catch::StartsWith("t/x: instance 0: found an array, expected an object such as"));
  CHECK_THAT(refusal<JsonParser>(good), Catch::Contains("no member \"instances\"") && Catch::Contains("application/jsonlines"));
  CHECK_THAT(refusal<JsonParser>(""), Catch::StartsWith("t/x: found nothing"));
  CHECK_THAT(refusal<JsonParser>(document("")), Catch::Contains("an empty list"));
  CHECK_THAT(refusal<JsonParser>(document(good + ",")), Catch::StartsWith("t/x: not valid JSON"));
}

TEST_CASE("json document: its beginning is enough to settle the schema", "[formats][json]") {
  const std::string doc = R"({"configuration":{"a":"]}\""},"instances":[{"id":"}\\","features":[1,2,3]},{"features":[4,5,6]}]})";
  NullLog log;
  JsonParser parser({});
  CHECK(parser.probe(std::span(doc).first(doc.find("4,5")), "t/x", log).feature_dim == 3);
}

TEST_CASE("json: missing numbers are passed on only where they are allowed", "[formats][json]") {
  TableOptions options;
  options.missing = Missing::passed_on;
  CHECK(std::isnan(parsed<JsonLinesParser>("{\"features\":[1,null]}", options).rows[0][1]));
}

TEST_CASE("json: lines above the limit are refused", "[formats][json]") {
  TableOptions small;
  small.max_record_bytes = 20;
  CHECK_THAT(refusal<JsonLinesParser>("{\"features\":[1]}\n{\"features\":[1.000000]}\n", small),
             Catch::StartsWith("t/x:2: a line of ") && Catch::Contains("expected at most 20"));
}

TEST_CASE("json: every truncation and every change of a byte is a table or an error with its place", "[formats][json]") {
  const std::string lines = std::string(kDense) + "\n" + kSparse + "\n", doc = document(std::string(kDense) + "," + kSparse);
  const auto survives = [](TableParser&& parser, const std::string& file) {
    try {
      NullLog log;
      parse_file(parser, file, log);
    } catch (const Error& e) {
      if (!std::string(e.what()).starts_with("t/x")) FAIL("no place: " << e.what());
    }
  };
  for (std::size_t at = 0; at < lines.size(); ++at) {
    survives(JsonLinesParser({}), lines.substr(0, at));
    survives(JsonParser({}), doc.substr(0, at));
    for (int change = 1; change < 256; ++change) {
      std::string damaged = lines;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      survives(JsonLinesParser({}), damaged);
      damaged = doc;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      survives(JsonParser({}), damaged);
    }
  }
}

TEST_CASE("json writer: rows are written in the forms of requests and read back the same", "[formats][json]") {
  const std::vector<float> values{1.5f, 16, 0.1f, -1e-20f, 3.4e38f, 0}, labels{1, 0.5f};
  Batch dense;
  dense.rows = 2;
  dense.cols = dense.ld = 3;
  dense.dense = values.data();
  JsonLinesWriter writer({});
  std::string out;
  writer.encode(dense, 0, 2, out);
  CHECK(parsed<JsonLinesParser>(out).rows == Rows{{1.5f, 16, 0.1f}, {-1e-20f, 3.4e38f, 0}});
  CHECK_THAT(out, Catch::StartsWith("{\"features\":[1.5,16.0,0.1]}\n"));
  dense.labels = labels.data();
  dense.label_width = 1;
  out.clear();
  writer.encode(dense, 1, 1, out);
  CHECK_THAT(out, Catch::EndsWith(",\"label\":0.5}\n"));
  const std::vector<std::uint64_t> qids{1, 7};
  dense.weights = labels.data();
  dense.qids = qids.data();
  out.clear();
  writer.encode(dense, 1, 1, out);
  CHECK_THAT(out, Catch::EndsWith(",\"label\":0.5,\"weight\":0.5,\"qid\":7}\n"));
  CHECK(beside<JsonLinesParser>(out, typed("")).qids == std::vector<std::uint64_t>{7});

  const std::vector<std::uint64_t> indptr{5, 7, 7};
  const std::vector<std::uint32_t> indices{1, 3};
  Batch sparse;
  sparse.rows = 2;
  sparse.cols = 4;
  sparse.indptr = indptr.data();
  sparse.indices = indices.data();
  sparse.values = values.data();
  out.clear();
  writer.encode(sparse, 0, 2, out);
  CHECK(out == "{\"data\":{\"features\":{\"keys\":[1,3],\"shape\":[4],\"values\":[1.5,16.0]}}}\n"
               "{\"data\":{\"features\":{\"keys\":[],\"shape\":[4],\"values\":[]}}}\n");
  CHECK(parsed<JsonLinesParser>(out).rows == Rows{{0, 1.5f, 0, 16}, {0, 0, 0, 0}});
}
