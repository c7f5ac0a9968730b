#include "formats/recordio/record.h"

#include <catch2/catch.hpp>

#include <cstring>
#include <limits>

#include "formats/recordio_samples.h"

using namespace smtrain;
using namespace smtrain::formats::recordio;
using smtrain::formats::testing::bytes_of;
using test::error_of;

namespace {

// A length-delimited field of a message; fields below 16, lengths below 128.
std::string field(int number, const std::string& bytes) {
  REQUIRE(bytes.size() < 128);
  return std::string(1, static_cast<char>(number << 3 | 2)) + static_cast<char>(bytes.size()) + bytes;
}
std::string entry(const std::string& value, const std::string& key = "values") { return field(1, key) + field(2, value); }
// Record with features["values"] = the tensor of Value field `kind`.
std::string features(const std::string& tensor, int kind = 2) { return field(1, entry(field(kind, tensor))); }

std::vector<float> numbers(const Tensor& tensor) {
  std::vector<float> out(tensor.values);
  to_float32(tensor, out.data());
  return out;
}

// Views into the payload, which has to outlive it.
Record decoded(const std::string& payload) {
  Record record;
  decode_record(payload, "w", record);
  return record;
}

std::vector<float> feature_numbers(const std::string& payload) {
  Record record;
  decode_record(payload, "w", record);
  return numbers(record.features);
}

std::string refusal(const std::string& payload) {
  return error_of([&] { decoded(payload); });
}

const std::string kOne = bytes_of("00 00 80 3f"), kTwo = bytes_of("00 00 00 40");

}  // namespace

TEST_CASE("record: the dense worked example decodes and is written back", "[formats][recordio]") {
  const std::string payload = bytes_of(
      "0a 1a 0a 06 76 61 6c 75 65 73 12 10 12 0e 0a 0c 00 00 c0 3f 00 00 00 c0 00 00 80 3e"
      "12 12 0a 06 76 61 6c 75 65 73 12 08 12 06 0a 04 00 00 80 3f");
  Record record;
  decode_record(payload, "w", record);
  CHECK(record.features.type == NumberType::f32);
  CHECK(numbers(record.features) == std::vector<float>{1.5f, -2.0f, 0.25f});
  CHECK(record.features.keys.empty());
  CHECK(record.features.shape.empty());
  CHECK(numbers(record.label) == std::vector<float>{1.0f});

  std::string again;
  append_record(again, std::vector<float>{1.5f, -2.0f, 0.25f}, nullptr, std::vector<float>{1.0f});
  CHECK(again == payload);
}

TEST_CASE("record: the sparse worked examples decode and are written back", "[formats][recordio]") {
  const std::string payload = bytes_of(
      "0a 1d 0a 06 76 61 6c 75 65 73 12 13 12 11 0a 08 00 00 60 40 00 00 80 bf 12 02 01 05 1a 01 08"
      "12 12 0a 06 76 61 6c 75 65 73 12 08 12 06 0a 04 00 00 00 00");
  Record record;
  decode_record(payload, "w", record);
  CHECK(record.features.keys == std::vector<std::uint64_t>{1, 5});
  CHECK(record.features.shape == std::vector<std::uint64_t>{8});
  CHECK(numbers(record.features) == std::vector<float>{3.5f, -1.0f});

  std::string again;
  const std::vector<std::uint32_t> keys{1, 5};
  const SparseValues sparse{keys, 8};
  append_record(again, std::vector<float>{3.5f, -1.0f}, &sparse, std::vector<float>{0.0f});
  CHECK(again == payload);
}

TEST_CASE("record: a row of zeros is a shape and nothing else", "[formats][recordio]") {
  std::string payload;
  const SparseValues sparse{{}, 8};
  append_record(payload, {}, &sparse, {});
  CHECK(payload == bytes_of("0a 0f 0a 06 76 61 6c 75 65 73 12 05 12 03 1a 01 08"));
}

TEST_CASE("record: a response has one label entry per answer", "[formats][recordio]") {
  std::string payload;
  const std::vector<float> a{3.0f}, b{0.75f};
  const std::vector<NamedValues> answers{{"c", a}, {"d", b}};
  append_response_record(payload, answers);
  CHECK(payload == bytes_of("12 0d 0a 01 63 12 08 12 06 0a 04 00 00 40 40 12 0d 0a 01 64 12 08 12 06 0a 04 00 00 40 3f"));
  CHECK_FALSE(decoded(payload).has_features);
}

TEST_CASE("record: fields come in any order", "[formats][recordio]") {
  const std::string label = field(2, field(2, field(2, field(1, kTwo))) + field(1, "values"));
  const std::string features = field(1, field(2, field(2, field(3, "\x01") + field(1, kOne))) + field(1, "values"));
  const std::string payload = label + field(3, "id") + features + field(5, "{}") + field(4, "m");
  const Record record = decoded(payload);
  CHECK(record.uid == "id");
  CHECK(record.metadata == "m");
  CHECK(record.configuration == "{}");
  CHECK(record.features.shape == std::vector<std::uint64_t>{1});
  CHECK(record.label.values == 1);
}

TEST_CASE("record: packed and unpacked values mix in the order they stand", "[formats][recordio]") {
  const std::string unpacked = bytes_of("0d") + kTwo;
  CHECK(feature_numbers(features(unpacked)) == std::vector<float>{2});
  CHECK(feature_numbers(features(field(1, kOne) + unpacked + field(1, kOne + kTwo))) == std::vector<float>{1, 2, 1, 2});
  const std::string doubles = field(1, bytes_of("00 00 00 00 00 00 f0 3f")) + bytes_of("09 00 00 00 00 00 00 00 40");
  CHECK(feature_numbers(features(doubles, 3)) == std::vector<float>{1, 2});
  const std::string integers = bytes_of("08 07") + field(1, bytes_of("01 ac 02")) + bytes_of("08 96 01");
  CHECK(feature_numbers(features(integers, 7)) == std::vector<float>{7, 1, 300, 150});
  const std::string keys = field(1, kOne + kTwo) + bytes_of("10 ac 02") + field(2, bytes_of("03")) + bytes_of("18 08");
  CHECK(decoded(features(keys)).features.keys == std::vector<std::uint64_t>{300, 3});
  CHECK(decoded(features(keys)).features.shape == std::vector<std::uint64_t>{8});
}

TEST_CASE("record: gathered values of features and label stay apart", "[formats][recordio]") {
  const std::string pair = field(1, kOne) + field(1, kTwo), reverse = field(1, kTwo) + field(1, kOne);
  Record record;
  decode_record(features(pair) + field(2, entry(field(2, reverse))), "w", record);
  CHECK(numbers(record.features) == std::vector<float>{1, 2});
  CHECK(numbers(record.label) == std::vector<float>{2, 1});
}

TEST_CASE("record: negative integers are ten-byte varints whose low 32 bits count", "[formats][recordio]") {
  CHECK(feature_numbers(features(field(1, bytes_of("fe ff ff ff ff ff ff ff ff 01")), 7)) == std::vector<float>{-2});
  CHECK(feature_numbers(features(field(1, bytes_of("fe ff ff ff 0f")), 7)) == std::vector<float>{-2});
}

TEST_CASE("record: the last of repeated keys and of a oneof wins", "[formats][recordio]") {
  CHECK(feature_numbers(features(field(1, kOne)) + features(field(1, kTwo))) == std::vector<float>{2});
  CHECK(feature_numbers(field(1, entry(field(7, field(1, "\x05")) + field(2, field(1, kOne))))) == std::vector<float>{1});
  CHECK(feature_numbers(field(1, entry(field(2, field(1, kOne)) + field(2, field(1, kTwo))))) == std::vector<float>{2});
}

TEST_CASE("record: unknown fields are skipped by wire type", "[formats][recordio]") {
  const std::string unknown = bytes_of("70 ac 02 71 01 02 03 04 05 06 07 08 72 02 aa bb 75 01 02 03 04");
  CHECK(feature_numbers(unknown + field(1, unknown + entry(unknown + field(2, unknown + field(1, kOne) + unknown)))) ==
        std::vector<float>{1});
}

TEST_CASE("record: entries without key or value are empty, not errors", "[formats][recordio]") {
  CHECK_FALSE(decoded(field(1, field(2, field(2, field(1, kOne))))).has_features);
  const Record record = decoded(field(1, field(1, "values")));
  CHECK(record.has_features);
  CHECK(record.features.type == NumberType::none);
  CHECK(decoded(features("x", 9)).features.type == NumberType::bytes);
  CHECK(decoded(field(1, entry("", "source"))).other_feature == "source");
}

TEST_CASE("record: malformed bytes are refused with their field", "[formats][recordio]") {
  CHECK_THAT(refusal(features(field(1, "abc"))),
             Catch::StartsWith("w: features.values.float32_tensor.values: 3 packed bytes, expected a multiple of 4"));
  CHECK_THAT(refusal(features(field(1, "abcd"), 3)), Catch::Contains("float64_tensor.values: 4 packed bytes, expected a multiple of 8"));
  CHECK_THAT(refusal(features(field(1, "\x80"), 7)), Catch::Contains("int32_tensor.values: the bytes end inside a varint"));
  CHECK_THAT(refusal(features(field(2, std::string(10, '\x80') + "\x01"))),
             Catch::Contains("float32_tensor.keys: a varint of more than ten bytes"));
  CHECK_THAT(refusal(features(bytes_of("0a 05 00"))), Catch::Contains("a length of 5 bytes where 1 are left"));
  CHECK_THAT(refusal(features(bytes_of("08 01"))), Catch::Contains("values: wire type 0, expected 2 (packed) or 5"));
  CHECK_THAT(refusal(bytes_of("0b")), Catch::Contains("wire type 3, expected 0, 1, 2 or 5"));
  CHECK_THAT(refusal(bytes_of("02 00")), Catch::Contains("field number 0 is not legal"));
  CHECK_THAT(refusal(bytes_of("08 01")), Catch::Contains("features: wire type 0, expected 2"));
}

TEST_CASE("record: a length beyond 32 bits is not cut to its low bits", "[formats][recordio]") {
  // 2^32 + 1 as a varint, followed by one byte.
  CHECK_THAT(refusal(bytes_of("1a 81 80 80 80 10 41")), Catch::Contains("a length of 4294967297 bytes where 1 are left"));
}

TEST_CASE("record: numbers that are not finite are counted", "[formats][recordio]") {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  for (const std::size_t n : {1, 3, 4, 7, 31, 64, 1001}) {
    std::vector<float> values(n, std::numeric_limits<float>::max()), out(n);
    const char* const bytes = reinterpret_cast<const char*>(values.data());
    CHECK(copy_float32(bytes, n, out.data()) == 0);
    CHECK(out == values);
    for (const float bad : {inf, -inf, nan, -nan}) {
      values[n - 1] = bad;
      CHECK(copy_float32(bytes, n, out.data()) == 1);
      CHECK(std::memcmp(out.data(), values.data(), n * sizeof(float)) == 0);
    }
  }
  const std::string payload = features(field(1, bytes_of("00 00 00 00 00 00 f0 7f 9c 75 00 88 3c e4 37 7e")), 3);
  const Record record = decoded(payload);
  std::vector<float> out(2);
  CHECK(to_float32(record.features, out.data()) == 2);  // inf, and 1e300, which float32 does not hold
  CHECK(value_at(record.features, 1) == 1e300);
}
