#include "formats/archive/safetensors.h"

#include <catch2/catch.hpp>
#include <cstring>

#include "base/error.h"

using namespace smtrain;
using namespace smtrain::formats;
using Catch::Matchers::Contains;

namespace {

/// A file from a header's text.
std::string file(const std::string& header, const std::string& data) {
  const std::uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), 8) + header + data;
}

std::string refusal(const std::string& bytes) {
  try {
    read_safetensors(bytes, "m.safetensors");
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::user);
    CHECK_THAT(error.what(), Contains("m.safetensors: "));
    return error.what();
  }
  return "no error";
}

std::vector<NamedTensor> two() {
  const float w[] = {1, 2, 3, 4, 5, 6};
  const double b[] = {-1};
  return {NamedTensor::f32("w", {2, 3}, w), NamedTensor::f64("b", {1}, b)};
}

}  // namespace

TEST_CASE("safetensors: the bytes are those of the format", "[formats][safetensors]") {
  const float x[] = {1.0F, -2.0F};
  const std::string bytes = write_safetensors({NamedTensor::f32("x", {2}, x)});
  const std::string header = R"({"x":{"data_offsets":[0,8],"dtype":"F32","shape":[2]}})";
  REQUIRE(header.size() == 54);
  CHECK(bytes == file(header + "  ", std::string("\x00\x00\x80\x3f\x00\x00\x00\xc0", 8)));
}

TEST_CASE("safetensors: tensors come back sorted by name, whatever their order was", "[formats][safetensors]") {
  const std::vector<NamedTensor> tensors = two();
  const std::string bytes = write_safetensors(tensors);
  CHECK(bytes == write_safetensors({tensors[1], tensors[0]}));
  const std::vector<NamedTensor> read = read_safetensors(bytes, "x");
  REQUIRE(read.size() == 2);
  CHECK(read[0].name == "b");
  CHECK(read[0].as_f64() == std::vector<double>{-1});
  CHECK(read[1].shape == std::vector<std::uint64_t>{2, 3});
  CHECK(read[1].as_f32() == std::vector<float>{1, 2, 3, 4, 5, 6});
  CHECK_THROWS_WITH(read[0].as_f32(), "tensor \"b\" is F64; expected F32");
}

TEST_CASE("safetensors: no tensors, scalars, empty tensors and strange names pass", "[formats][safetensors]") {
  CHECK(read_safetensors(write_safetensors({}), "x").empty());
  const float one = 1;
  const std::vector<NamedTensor> read =
      read_safetensors(write_safetensors({NamedTensor::f32("a\"\n\xc3\xa9", {}, &one), NamedTensor::f32("e", {0, 4}, &one)}), "x");
  REQUIRE(read.size() == 2);
  CHECK(read[0].name == "a\"\n\xc3\xa9");
  CHECK(read[0].as_f32() == std::vector<float>{1});
  CHECK(read[1].as_f32().empty());
}

TEST_CASE("safetensors: metadata and data in another order are read", "[formats][safetensors]") {
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},"a":{"dtype":"BF16","shape":[2],"data_offsets":[2,6]},"c":{"dtype":"BOOL","shape":[],"data_offsets":[0,1]}})";
  const std::vector<NamedTensor> read = read_safetensors(file(header, "cbaaaa"), "x");
  REQUIRE(read.size() == 3);
  CHECK(read[0].data == "aaaa");
  CHECK(read[1].data == "b");
  CHECK(read[2].data == "c");
}

TEST_CASE("safetensors: headers that do not fit are refused", "[formats][safetensors]") {
  CHECK_THAT(refusal("1234567"), Contains("has 7 bytes"));
  CHECK_THAT(refusal(std::string(8, '\xff')), Contains("header of 18446744073709551615 bytes"));
  CHECK_THAT(refusal(file("{", "")), Contains("no JSON object"));
  CHECK_THAT(refusal(file("[]", "")), Contains("no JSON object"));
  CHECK_THAT(refusal(file(R"({"a":{"shape":[],"data_offsets":[0,4]}})", "1234")), Contains("no field \"dtype\""));
  CHECK_THAT(refusal(file(R"({"a":3})", "")), Contains("no field \"dtype\""));
  CHECK_THAT(refusal(file(R"({"a":{"dtype":"F31","shape":[],"data_offsets":[0,4]}})", "1234")), Contains("unknown dtype"));
  CHECK_THAT(refusal(file(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", "1234")), Contains("holds \"-1\""));
  CHECK_THAT(refusal(file(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", "1234")), Contains("1 data offsets"));
  CHECK_THAT(refusal(file(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "1")),
             Contains("\"a\" is there twice"));
}

TEST_CASE("safetensors: places that overlap, leave gaps or overflow are refused", "[formats][safetensors]") {
  const auto u8 = [](const std::string& a, const std::string& b) {
    return refusal(file(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":)" + a + R"(},"b":{"dtype":"U8","shape":[2],"data_offsets":)" + b + "}}",
                        "1234"));
  };
  CHECK(u8("[0,2]", "[2,4]") == "no error");
  CHECK_THAT(u8("[0,2]", "[1,3]"), Contains("begins at byte 1 of the data; expected 2"));
  CHECK_THAT(u8("[2,4]", "[2,4]"), Contains("expected 0"));
  CHECK_THAT(u8("[0,2]", "[3,5]"), Contains("does not fit"));
  CHECK_THAT(u8("[0,2]", "[4,2]"), Contains("does not fit"));
  CHECK_THAT(u8("[0,3]", "[2,4]"), Contains("does not fit"));
  CHECK_THAT(refusal(file(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", "123")), Contains("3 bytes of data"));
  // 2^62 × 4 is 0 in 64 bits.
  CHECK_THAT(refusal(file(R"({"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}})", "")), Contains("does not fit"));
  CHECK_THAT(refusal(file(R"({"a":{"dtype":"F32","shape":[1e3],"data_offsets":[0,0]}})", "")), Contains("whole numbers"));
}

TEST_CASE("safetensors: a tensor that cannot be written is our fault", "[formats][safetensors]") {
  const float x[] = {1, 2};
  NamedTensor tensor = NamedTensor::f32("x", {2}, x);
  CHECK_THROWS_WITH(write_safetensors({tensor, tensor}), Contains("two tensors are named"));
  tensor.shape = {3};
  CHECK_THROWS_WITH(write_safetensors({tensor}), Contains("has 8 bytes; expected 12"));
}

TEST_CASE("safetensors: every truncation is refused, every flipped bit is an error or a file", "[formats][safetensors]") {
  const std::string bytes = write_safetensors(two());
  for (std::size_t n = 0; n < bytes.size(); ++n) REQUIRE(refusal(bytes.substr(0, n)) != "no error");
  std::string flipped = bytes;
  for (std::size_t i = 0; i < 8 * bytes.size(); ++i) {
    flipped[i / 8] = static_cast<char>(flipped[i / 8] ^ 1 << i % 8);
    refusal(flipped);
    flipped[i / 8] = bytes[i / 8];
  }
}

TEST_CASE("safetensors: deep nesting does not exhaust the stack", "[formats][safetensors]") {
  const std::string deep = "{\"a\":" + std::string(1'000'000, '[') + std::string(1'000'000, ']') + "}";
  CHECK_THAT(refusal(file(deep, "")), Contains("no field"));
}
