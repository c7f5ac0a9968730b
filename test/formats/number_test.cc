#include "formats/text/number.h"

#include <fast_float/fast_float.h>

#include <catch2/catch.hpp>
#include <charconv>
#include <cmath>
#include <cstring>
#include <random>
#include <string>

using namespace smtrain::formats;

namespace {

std::uint32_t bits_of(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

float by_fast_float(std::string_view text) {
  float value = 0;
  fast_float::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// Both ways, the quick one where it dares, against fast_float. Counts how often the quick one dares.
struct Comparison {
  std::size_t quick = 0, total = 0;
  void check(const std::string& text) {
    const float expected = by_fast_float(text);
    float value = -1;
    const NumberStatus status = parse_number(text.data(), text.data() + text.size(), value);
    if (status != (std::isfinite(expected) ? NumberStatus::ok : NumberStatus::too_large) || bits_of(value) != bits_of(expected))
      FAIL("parse_number of " << text << " gives " << value << ", fast_float " << expected);
    std::string padded = text + ',';
    padded.resize(padded.size() + kNumberReach, '7');
    ++total;
    // A field that ends one byte later holds the delimiter; one that ends earlier is another number, or none.
    if (scan_field(padded.data(), text.size() + 1, value)) FAIL("scan_field takes " << text << ", with its delimiter");
    if (!text.empty() && scan_field(padded.data(), text.size() - 1, value)) {
      float shorter = 0;
      const NumberStatus short_status = parse_number(text.data(), text.data() + text.size() - 1, shorter);
      if (short_status != NumberStatus::ok || bits_of(value) != bits_of(shorter)) FAIL("scan_field of " << text << " less its last character gives " << value);
    }
    const bool quick_json = scan_json_number(padded.data(), text.size(), value);
    if (quick_json && bits_of(value) != bits_of(expected)) FAIL("scan_json_number of " << text << " gives " << value);
    const bool scanned = scan_field(padded.data(), text.size(), value);
    if (quick_json != (scanned && is_json_number(text.data(), text.data() + text.size()))) FAIL("scan_json_number of " << text << ": " << quick_json);
    if (!scanned) return;
    ++quick;
    if (bits_of(value) != bits_of(expected)) FAIL("scan_field of " << text << " gives " << value << ", fast_float " << expected);
  }
};

template <class Make>
Comparison compare(std::size_t count, Make make) {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  Comparison comparison;
  for (std::size_t i = 0; i < count; ++i) comparison.check(make(random));
  return comparison;
}

std::string digits(std::mt19937_64& random, std::size_t count) {
  std::string text;
  while (text.size() < count) text += static_cast<char>('0' + random() % 10);
  return text;
}

std::string sign(std::mt19937_64& random) { return random() % 2 == 0 ? "-" : ""; }

float any_float(std::mt19937_64& random) {
  float value;
  do {
    const auto bits = static_cast<std::uint32_t>(random());
    std::memcpy(&value, &bits, sizeof value);
  } while (!std::isfinite(value));
  return value;
}

std::string fixed(double value, int precision) {
  char text[512];
  return {text, std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, precision).ptr};
}

std::string shortest(float value) {
  char text[64];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

NumberStatus status_of(std::string_view text) {
  float value = 0;
  return parse_number(text.data(), text.data() + text.size(), value);
}

}  // namespace

TEST_CASE("numbers: ordinary decimals have fast_float's bits and go the quick way", "[formats][number]") {
  const Comparison c = compare(600000, [](auto& r) { return sign(r) + digits(r, 1 + r() % 4) + "." + digits(r, 1 + r() % 9); });
  CHECK(c.quick > c.total - 10);
  // As float32 is written with nine significant digits.
  const Comparison long_ones = compare(600000, [](auto& r) { return sign(r) + digits(r, 1 + r() % 2) + "." + digits(r, 7 + r() % 6); });
  CHECK(long_ones.quick > long_ones.total - 30);
}

TEST_CASE("numbers: fields of one digit are taken together, and no others", "[formats][number]") {
  const std::string padding(kNumberReach, ',');
  float values[kDigitFields];
  REQUIRE(scan_digit_fields(("0;1;2;3;4;5;6;7;" + padding).data(), ';', values));
  for (std::size_t i = 0; i < kDigitFields; ++i) CHECK(values[i] == static_cast<float>(i));
  const std::string good = "9,8,0,0,0,1,2,3,";
  REQUIRE(scan_digit_fields((good + padding).data(), ',', values));
  CHECK(values[0] == 9);
  CHECK(values[7] == 3);
  for (std::size_t place = 0; place < good.size(); ++place) {
    for (const char wrong : {'\n', ' ', '-', '/', ':', '.', '"', '\0', '\xB0', place % 2 == 0 ? ',' : '5'}) {
      std::string text = good + padding;
      text[place] = wrong;
      CAPTURE(text);
      CHECK_FALSE(scan_digit_fields(text.data(), ',', values));
    }
  }
}

TEST_CASE("numbers: JSON has neither bare points nor leading zeros nor a plus", "[formats][number]") {
  const auto in_json = [](std::string text) {
    float value = 0;
    const std::size_t length = text.size();
    const bool may_be = is_json_number(text.data(), text.data() + length);
    text.resize(length + kNumberReach, ',');
    CHECK(scan_json_number(text.data(), length, value) == may_be);
    return may_be;
  };
  for (const char* text : {"0", "-0", "0.5", "-0.25", "12", "120.75", "1e5", "0e1", "10E-2", "12345678901.5", "0.00000000000000001"}) {
    CAPTURE(text);
    CHECK(in_json(text));
  }
  for (const char* text : {".5", "-.5", "1.", "-1.", "01", "-01.5", "00", "+1", "1.e5", "", "-", ".", "1e", "012345678901.5"}) {
    CAPTURE(text);
    CHECK_FALSE(in_json(text));
  }
}

TEST_CASE("numbers: digits of every count, with and without a point and an exponent", "[formats][number]") {
  compare(600000, [](auto& r) {
    std::string text = sign(r) + digits(r, 1 + r() % 22);
    if (r() % 2) text += "." + digits(r, r() % 24);
    if (r() % 3 == 0) text += (r() % 2 ? "e" : "E") + std::string(r() % 3 == 0 ? "+" : r() % 2 ? "-" : "") + std::to_string(r() % 60);
    return text;
  });
}

TEST_CASE("numbers: shortest texts of random floats come back bit for bit", "[formats][number]") {
  std::mt19937_64 random(20240917);
  for (int i = 0; i < 400000; ++i) {
    const float value = any_float(random);
    const std::string text = shortest(value);
    float back = 0;
    REQUIRE(parse_number(text.data(), text.data() + text.size(), back) == NumberStatus::ok);
    if (bits_of(back) != bits_of(value)) FAIL(text);
  }
  compare(400000, [](auto& r) { return shortest(any_float(r)); });
}

TEST_CASE("numbers: midpoints between floats, and their neighbours, are rounded as by fast_float", "[formats][number]") {
  const Comparison c = compare(300000, [](auto& r) {
    // Floats near 1, so that the midpoint has few enough digits to be tried the quick way.
    const float low = std::ldexp(1.0f + static_cast<float>(r() % (1u << 23)) * 0x1p-23f, static_cast<int>(r() % 40) - 8);
    const double middle = (static_cast<double>(low) + static_cast<double>(std::nextafter(low, 1e30f))) / 2;
    std::string text = fixed(middle, static_cast<int>(r() % 40));
    if (r() % 2) text = text.substr(0, 1 + r() % text.size());
    if (r() % 3 == 0 && text.back() != '.') text.back() = text.back() == '9' ? '8' : static_cast<char>(text.back() + 1);
    return text;
  });
  CHECK(c.quick > 0);
  for (const char* text : {"16777217", "16777217.0", "16777217.00000000001", "16777216.99999999999", "33554434", "33554438",
                           "1.00000005960464477539", "1.000000059604644775", "9007199254740993", "0.5000000298023223876953125"}) {
    Comparison one;
    one.check(text);
  }
}

TEST_CASE("numbers: the ends of float32, subnormals and zeros", "[formats][number]") {
  for (const char* text :
       {"0", "-0", "0.0", "-0.000", "00000000000000000000000", "1e-45", "7e-46", "-1e-400", "1.17549435e-38", "1.1754942e-38",
        "3.4028235e38", "3.4028236e38", "1e39", "-1e39", "1e400", "0e99999", "340282346638528859811704183484516925440", "5.", ".5",
        "-.5", "0000000001.5", "1e5", "1E+05", "123456789012345678901234567890"}) {
    Comparison one;
    one.check(text);
  }
  CHECK(std::signbit(by_fast_float("-0")));
  compare(200000, [](auto& r) { return digits(r, 1) + "." + digits(r, r() % 17 + 1) + "e-" + std::to_string(30 + r() % 20); });
  compare(200000, [](auto& r) { return digits(r, 1) + "." + digits(r, r() % 17 + 1) + "e" + std::to_string(30 + r() % 10); });
}

TEST_CASE("numbers: what is no number, no finite number or too large is told apart", "[formats][number]") {
  for (const char* text : {"", "+", "-", ".", "e5", "1e", "1e+", "1 2", " 1", "1 ", "0x10", "1,5", "1.2.3", "--1", "+-1", "-+1",
                           "abc", "1f", "na", "infinit"}) {
    CAPTURE(text);
    CHECK(status_of(text) == NumberStatus::not_a_number);
  }
  for (const char* text : {"nan", "NaN", "-nan", "inf", "-Inf", "+inf", "Infinity"}) {
    CAPTURE(text);
    CHECK(status_of(text) == NumberStatus::not_finite);
  }
  for (const char* text : {"1e39", "-1e39", "+1e39", "9999999999999999999999999999999999999999", "3.5e38", ".1e40"}) {
    CAPTURE(text);
    CHECK(status_of(text) == NumberStatus::too_large);
  }
  CHECK(status_of("+1") == NumberStatus::ok);
  CHECK(status_of("+.5e-3") == NumberStatus::ok);
}
