#include "formats/archive/ndarray_list.h"

#include <catch2/catch.hpp>
#include <cstring>

#include "base/error.h"

using namespace smtrain;
using namespace smtrain::formats;
using Catch::Matchers::Contains;

namespace {

/// "12 01 ff": bytes from hexadecimal digits.
std::string hex(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 3) out.push_back(static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16)));
  return out;
}

const std::string kOneArray = hex("12 01 00 00 00 00 00 00 "   // u64 0x112: an array list
                                  "00 00 00 00 00 00 00 00 "   // u64 reserved
                                  "01 00 00 00 00 00 00 00 ");  // u64 arrays
const std::string kCentres = hex("00 00 80 3f 00 00 00 40 00 00 40 40 "   // 1 2 3
                                 "00 00 00 bf 00 00 c0 bf 00 00 c8 42 ");  // -0.5 -1.5 100
const std::string kCpu = hex("01 00 00 00 00 00 00 00 ");  // i32 device type 1, i32 device id 0
const std::string kFloat32 = hex("00 00 00 00 ");
const std::string kShape64 = hex("02 00 00 00 02 00 00 00 00 00 00 00 03 00 00 00 00 00 00 00 ");  // u32 2, i64 2, i64 3
const std::string kUnnamed = hex("00 00 00 00 00 00 00 00 ");

// Two centres in three dimensions as the service writes them.
const std::string kModel = kOneArray +
                           hex("c9 fa 93 f9 "    // u32 0xF993FAC9: version 2
                               "00 00 00 00 ") +  // i32 storage type: dense
                           kShape64 + kCpu + kFloat32 + kCentres + kUnnamed;

std::vector<NamedTensor> centres(const std::string& name = "") {
  const float data[] = {1, 2, 3, -0.5, -1.5, 100};
  return {NamedTensor::f32(name, {2, 3}, data)};
}

std::string refusal(const std::string& bytes) {
  try {
    read_ndarray_list(bytes, "m.tar: model_algo-1");
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::user);
    CHECK_THAT(error.what(), Contains("m.tar: model_algo-1: "));
    return error.what();
  }
  return "no error";
}

void check_centres(const std::string& bytes) {
  const std::vector<NamedTensor> read = read_ndarray_list(bytes, "x");
  REQUIRE(read.size() == 1);
  CHECK(read[0].name.empty());
  CHECK(read[0].shape == std::vector<std::uint64_t>{2, 3});
  CHECK(read[0].as_f32() == std::vector<float>{1, 2, 3, -0.5, -1.5, 100});
}

}  // namespace

TEST_CASE("ndarray list: k-means centres are written byte for byte as the service does", "[formats][ndarray_list]") {
  CHECK(kModel.size() == 24 + 4 + 4 + 20 + 8 + 4 + 24 + 8);
  CHECK(write_ndarray_list(centres()) == kModel);
  check_centres(kModel);
}

TEST_CASE("ndarray list: versions 1, 3 and the one before are read", "[formats][ndarray_list]") {
  check_centres(kOneArray + hex("c8 fa 93 f9 ") + kShape64 + kCpu + kFloat32 + kCentres + kUnnamed);
  check_centres(kOneArray + hex("ca fa 93 f9 00 00 00 00 ") + kShape64 + kCpu + kFloat32 + kCentres + kUnnamed);
  const std::string shape32 = hex("02 00 00 00 02 00 00 00 03 00 00 00 ");
  check_centres(kOneArray + shape32 + kCpu + kFloat32 + kCentres + kUnnamed);
}

TEST_CASE("ndarray list: arrays that were on a GPU are read", "[formats][ndarray_list]") {
  const std::string gpu = hex("02 00 00 00 01 00 00 00 ");
  check_centres(kOneArray + hex("c9 fa 93 f9 00 00 00 00 ") + kShape64 + gpu + kFloat32 + kCentres + kUnnamed);
}

TEST_CASE("ndarray list: names, several arrays, all types and scalars come back", "[formats][ndarray_list]") {
  std::vector<NamedTensor> arrays = centres("arg:mean");
  const double d[] = {0.5, -0.25};
  arrays.push_back(NamedTensor::f64("eigen", {2, 1}, d));
  arrays.push_back({"u8", "U8", {3}, "abc"});
  arrays.push_back({"i32", "I32", {1}, "1234"});
  arrays.push_back({"i64", "I64", {1}, "12345678"});
  arrays.push_back({"scalar", "F32", {}, "1234"});
  arrays.push_back({"empty", "F32", {0, 4}, ""});
  const std::vector<NamedTensor> read = read_ndarray_list(write_ndarray_list(arrays), "x");
  REQUIRE(read.size() == arrays.size());
  for (std::size_t i = 0; i < read.size(); ++i) {
    CHECK(read[i].name == arrays[i].name);
    CHECK(read[i].dtype == arrays[i].dtype);
    CHECK(read[i].shape == arrays[i].shape);
    CHECK(read[i].data == arrays[i].data);
  }
  CHECK(read_ndarray_list(write_ndarray_list({}), "x").empty());
}

TEST_CASE("ndarray list: an absent array has no numbers", "[formats][ndarray_list]") {
  const std::vector<NamedTensor> read =
      read_ndarray_list(kOneArray + hex("c9 fa 93 f9 00 00 00 00 00 00 00 00 ") + kUnnamed, "x");
  REQUIRE(read.size() == 1);
  CHECK(read[0].elements() == 0);
}

// By MXNet 1.9.1: arg:v of 5 rows, of which 1 and 3 are (1, 2) and (3, 4), and arg:z of 3 rows, of which none is there.
const std::string kRowSparse = hex(
    "12 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 "
    "02 00 00 00 00 00 00 00 c9 fa 93 f9 01 00 00 00 "
    "02 00 00 00 02 00 00 00 00 00 00 00 02 00 00 00 "
    "00 00 00 00 02 00 00 00 05 00 00 00 00 00 00 00 "
    "02 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 "
    "00 00 00 00 06 00 00 00 01 00 00 00 02 00 00 00 "
    "00 00 00 00 00 00 80 3f 00 00 00 40 00 00 40 40 "
    "00 00 80 40 01 00 00 00 00 00 00 00 03 00 00 00 "
    "00 00 00 00 c9 fa 93 f9 01 00 00 00 02 00 00 00 "
    "00 00 00 00 00 00 00 00 02 00 00 00 00 00 00 00 "
    "02 00 00 00 03 00 00 00 00 00 00 00 02 00 00 00 "
    "00 00 00 00 01 00 00 00 00 00 00 00 00 00 00 00 "
    "06 00 00 00 01 00 00 00 00 00 00 00 00 00 00 00 "
    "02 00 00 00 00 00 00 00 05 00 00 00 00 00 00 00 "
    "61 72 67 3a 76 05 00 00 00 00 00 00 00 61 72 67 "
    "3a 7a ");

TEST_CASE("ndarray list: rows of row-sparse arrays lie between zeros", "[formats][ndarray_list]") {
  const std::vector<NamedTensor> read = read_ndarray_list(kRowSparse, "x");
  REQUIRE(read.size() == 2);
  CHECK(read[0].name == "arg:v");
  CHECK(read[0].shape == std::vector<std::uint64_t>{5, 2});
  CHECK(read[0].as_f32() == std::vector<float>{0, 0, 1, 2, 0, 0, 3, 4, 0, 0});
  CHECK(read[1].as_f32() == std::vector<float>(6));
  for (std::size_t size = 0; size < kRowSparse.size(); ++size) CHECK(refusal(kRowSparse.substr(0, size)) != "no error");
}

TEST_CASE("ndarray list: damaged row-sparse arrays are refused", "[formats][ndarray_list]") {
  const auto changed = [](std::size_t at, char value) {
    std::string bytes = kRowSparse;
    bytes[at] = value;
    return refusal(bytes);
  };
  CHECK_THAT(changed(124, 5), Contains("row 5 of 5"));
  CHECK_THAT(changed(36, 3), Contains("not as its shape says"));
  CHECK_THAT(changed(84, 4), Contains("no 64-bit integers"));
  CHECK_THAT(changed(59, 0x40), Contains("bytes of zeros"));
}

TEST_CASE("ndarray list: CSR arrays are refused by name", "[formats][ndarray_list]") {
  CHECK_THAT(refusal(kOneArray + hex("c9 fa 93 f9 02 00 00 00 ")), Contains("(CSR)"));
}

TEST_CASE("ndarray list: counts that do not fit the bytes are refused before anything is allocated", "[formats][ndarray_list]") {
  std::string bytes = kModel;
  std::memset(bytes.data() + 16, 0xff, 8);
  CHECK_THAT(refusal(bytes), Contains("18446744073709551615 arrays do not fit"));
  bytes = kModel;
  bytes.replace(36, 8, hex("00 00 00 00 00 00 00 40 "));  // 2^62 rows
  CHECK_THAT(refusal(bytes), Contains("shape [4611686018427387904, 3]"));
  bytes.replace(36, 8, hex("00 00 00 00 01 00 00 00 "));  // 2^32 rows
  CHECK_THAT(refusal(bytes), Contains("ends early: 51539607552 bytes expected, 32 left"));
  bytes.replace(36, 8, hex("ff ff ff ff ff ff ff ff "));
  CHECK_THAT(refusal(bytes), Contains("dimension 0 is -1"));
  CHECK_THAT(refusal("PK and more"), Contains("not an MXNet array list"));
  CHECK_THAT(refusal(kModel + "x"), Contains("1 bytes follow the list"));
}

TEST_CASE("ndarray list: every truncation is refused, every flipped bit is an error or a list", "[formats][ndarray_list]") {
  const std::string bytes = write_ndarray_list(centres("name"));
  for (std::size_t n = 0; n < bytes.size(); ++n) REQUIRE(refusal(bytes.substr(0, n)) != "no error");
  std::string flipped = bytes;
  for (std::size_t i = 0; i < 8 * bytes.size(); ++i) {
    flipped[i / 8] = static_cast<char>(flipped[i / 8] ^ 1 << i % 8);
    refusal(flipped);
    flipped[i / 8] = bytes[i / 8];
  }
}
