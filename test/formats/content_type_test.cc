#include "formats/content_type.h"

#include <catch2/catch.hpp>
#include <string>

#include "formats/table_help.h"

using namespace smtrain;
using namespace smtrain::formats;
using Catch::Matchers::Contains;

namespace {

std::span<const char> bytes(const std::string& text) { return {text.data(), text.size()}; }

std::string refusal(const std::string& text) {
  return error_of([&] { parse_content_type(text); });
}

}  // namespace

TEST_CASE("content types: names, aliases and letter case", "[formats][content_type]") {
  for (const char* text : {"text/csv", "TEXT/CSV", "csv", " text/csv ", "text/csv;"}) CHECK(parse_content_type(text).format == Format::csv);
  for (const char* text : {"application/x-recordio-protobuf", "recordio-protobuf", "x-recordio-protobuf"})
    CHECK(parse_content_type(text).format == Format::recordio_protobuf);
  for (const char* text : {"application/json", "json"}) CHECK(parse_content_type(text).format == Format::json);
  for (const char* text : {"application/jsonlines", "jsonlines", "jsonl"}) CHECK(parse_content_type(text).format == Format::jsonlines);
  for (const char* text : {"tsv", "text/tab-separated-values"}) {
    CHECK(parse_content_type(text).format == Format::csv);
    CHECK(parse_content_type(text).text("delimiter") == "tab");
  }
  for (const Format format : {Format::csv, Format::recordio_protobuf, Format::json, Format::jsonlines})
    CHECK(parse_content_type(mime_type(format)).format == format);
}

TEST_CASE("content types: parameters with blanks, quotes and capital names", "[formats][content_type]") {
  const ContentType type = parse_content_type("text/csv ; Label_Size = 2;header=True; delimiter=\";\" ;label=\"a b\"");
  CHECK(type.integer("label_size") == 2);
  CHECK(type.boolean("header") == true);
  CHECK(type.text("delimiter") == ";");
  CHECK(type.text("label") == "a b");
  CHECK_FALSE(type.text("quote").has_value());
  CHECK_FALSE(type.integer("quote").has_value());
  CHECK_FALSE(type.boolean("quote").has_value());
  CHECK(parse_content_type("application/json;verbose").boolean("verbose") == true);
  CHECK(parse_content_type("csv;label=-1").integer("label") == -1);
}

TEST_CASE("content types: written and taken apart again they are the same", "[formats][content_type]") {
  CHECK(parse_content_type("csv; label_size=0").to_string() == "text/csv;label_size=0");
  for (const char* text : {"text/csv;delimiter=\";\";label=\"a b\"", "application/json;verbose", "tsv;quote=\"\""}) {
    const ContentType type = parse_content_type(text), again = parse_content_type(type.to_string());
    CHECK(again.format == type.format);
    CHECK(again.parameters == type.parameters);
  }
}

TEST_CASE("content types: what is not known is refused with what is", "[formats][content_type]") {
  CHECK_THAT(refusal("text/cvs"), Contains("content type \"text/cvs\" is not known; did you mean text/csv?; known are text/csv, csv"));
  CHECK_THAT(refusal(""), Contains("is not known"));
  CHECK_THAT(refusal("text/csv;=3"), Contains("a parameter has no name"));
  CHECK_THAT(refusal("text/csv;header=true;Header=false"), Contains("header is given twice"));
  CHECK_THAT(refusal("text/csv;label=\"a"), Contains("a double quote is not closed"));
  const ContentType type = parse_content_type("csv;header=2;label_size=1x");
  CHECK(error_of([&] { type.boolean("header"); }) == "content type parameter header=\"2\": expected true or false");
  CHECK(error_of([&] { type.integer("label_size"); }) == "content type parameter label_size=\"1x\": expected an integer");
}

TEST_CASE("content types: by suffix, under compression and in any letter case", "[formats][content_type]") {
  CHECK(format_by_suffix("a/b.csv") == Format::csv);
  CHECK(format_by_suffix("B.CSV.GZ") == Format::csv);
  CHECK(format_by_suffix("x.tsv.zst") == Format::csv);
  CHECK(format_by_suffix("x.pbr") == Format::recordio_protobuf);
  CHECK(format_by_suffix("x.protobuf.gz") == Format::recordio_protobuf);
  CHECK(format_by_suffix("x.json") == Format::json);
  CHECK(format_by_suffix("x.jsonl") == Format::jsonlines);
  for (const char* path : {"", "x", "x.gz", "x.csv.bz2", "a.csv/x", "csv", "x.csv.gz.gz"}) {
    CAPTURE(path);
    CHECK_FALSE(format_by_suffix(path).has_value());
  }
}

TEST_CASE("content types: by the first bytes", "[formats][content_type]") {
  CHECK(format_by_content(bytes("1,2,3\n4,5")) == Format::csv);
  CHECK(format_by_content(bytes("\xEF\xBB\xBF" "a,b\n")) == Format::csv);
  CHECK(format_by_content(bytes("{\"a\": 1}\n{\"a\": 2}\n")) == Format::jsonlines);
  CHECK(format_by_content(bytes("{\"instances\": [{\"features\": [1]}]}")) == Format::json);
  CHECK(format_by_content(bytes("{\n \"a\": 1\n}\n")) == Format::json);
  CHECK(format_by_content(bytes(std::string("\x0A\x23\xD7\xCE\x10\0\0\0\x0A\x0E", 10))) == Format::recordio_protobuf);
  CHECK(format_by_content(bytes("PAR1abc")) == Format::parquet);
  CHECK(format_by_content(bytes("\x93NUMPY\x01")) == Format::npy);
  CHECK(format_by_content(bytes("%%MatrixMarket matrix coordinate real general\n")) == Format::matrix_market);
  CHECK(format_by_content(bytes("\xFF\xD8\xFF\xE0")) == Format::image);
  for (const char* line : {"1 0:1.5 7:2\n", "-1:0.5 3:1\n", "1 qid:3 0:1", "0 1:2 # note\n"}) CHECK(format_by_content(bytes(line)) == Format::libsvm);
  for (const char* line : {"1 2 3\n", "1,0:5\n", "12:30\n", "a b:c\n"}) CHECK(format_by_content(bytes(line)) == Format::csv);
  for (const std::string& head : {std::string(), std::string("\n \n"), std::string("ARROW1abc"), std::string("\x1F\x8B\x08"),
                                  std::string("\xCE\xD7\x23\x0A"), std::string("1,\0,2\n", 6), std::string("[1,2]"), std::string("<html>")}) {
    CAPTURE(head);
    CHECK_FALSE(format_by_content(bytes(head)).has_value());
  }
}

TEST_CASE("content types: first bytes in words", "[formats][content_type]") {
  CHECK(describe_content({}) == "an empty file");
  CHECK(describe_content(bytes("1,2\n")) == "CSV text");
  CHECK(describe_content(bytes("hello world\n")) == "text");
  CHECK(describe_content(bytes("{\"a\":1}\n")) == "JSON Lines");
  CHECK(describe_content(bytes("[1]")) == "JSON");
  CHECK(describe_content(bytes("\x1F\x8B\x08")) == "gzip data");
  CHECK(describe_content(bytes("\x28\xB5\x2F\xFD")) == "zstd data");
  CHECK(describe_content(bytes("PAR1")) == "Parquet");
  CHECK(describe_content(bytes("\xCE\xD7\x23\x0A")) == "big-endian recordIO");
  CHECK(describe_content(bytes(std::string("\0\1\2\3", 4))) == "binary data");
  CHECK(describe_content(bytes(std::string("\x0A\x14\x0A\x06values\x12\x0A\x12\x08", 14))) == "protobuf without framing");
  std::string image("\x0A\x23\xD7\xCE\x40\0\0\0", 8);
  image += std::string(24, '\0') + "\xFF\xD8\xFF\xE0" + "JFIF";
  CHECK(describe_content(bytes(image)) == "an MXNet image recordIO");
  CHECK(format_by_content(bytes(image)) == Format::image_recordio);
}
