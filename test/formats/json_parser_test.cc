#include "formats/json/json_parser.h"

#include <catch2/catch.hpp>

#include <cmath>

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
  const std::string as_dense = message_of([&] { parsed<Parser>(file, options); });
  CHECK(message_of([&] { parsed<Parser>(file, options, 7, true); }) == as_dense);
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
  const std::string line = R"({"label": 3, "id": "x", "features": [1, 2], "configuration": {"k": [1]}})";
  const ParsedTable table = parsed<JsonLinesParser>(line);
  CHECK(table.rows == Rows{{1, 2}});
  CHECK(table.schema.label_width == 0);
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
  options.allow_missing = true;
  CHECK(std::isnan(parsed<JsonLinesParser>("{\"features\":[1,null]}", options).rows[0][1]));
}

TEST_CASE("json: supervised channels are refused, and lines above the limit", "[formats][json]") {
  TableOptions options;
  options.supervised = true;
  CHECK_THAT(refusal<JsonLinesParser>("{\"features\":[1]}", options), Catch::Contains("JSON instances have no labels"));
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
