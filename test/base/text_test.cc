#include "base/text.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

namespace smtrain {

TEST_CASE("trim, lower, split and join do what they say") {
  CHECK(trim(" \t a b\r\n") == "a b");
  CHECK(trim(" \n").empty());
  CHECK(to_lower("AbZ-9\xC3\x84") == "abz-9\xC3\x84");
  CHECK(split("a,,b,", ',') == std::vector<std::string_view>{"a", "", "b", ""});
  CHECK(split("", ',') == std::vector<std::string_view>{""});
  CHECK(join(std::vector<std::string>{"a", "b", "c"}, ", ") == "a, b, c");
  CHECK(join({}, ", ").empty());
}

TEST_CASE("a likely typing error finds the name that was meant") {
  const std::vector<std::string> names = {"mini_batch_size", "epochs", "k", "feature_dim", "learning_rate", "init_method"};
  CHECK(nearest_name("mini-batch-size", names) == "mini_batch_size");
  CHECK(nearest_name("minibatchsize", names) == "mini_batch_size");
  CHECK(nearest_name("Epochs", names) == "epochs");
  CHECK(nearest_name("epohcs", names) == "epochs");
  CHECK(nearest_name("epoch", names) == "epochs");
  CHECK(nearest_name("lerning_rat", names) == "learning_rate");
  CHECK(nearest_name("learning", names) == "learning_rate");
  CHECK(nearest_name("zzzzzz", names) == std::nullopt);
  CHECK(nearest_name("", names) == std::nullopt);
  CHECK(nearest_name("q", names) == std::nullopt);
  CHECK(nearest_name(std::string(100000, 'k'), names) == std::nullopt);
  CHECK(did_you_mean("epoch", names) == "; did you mean epochs?");
  CHECK(did_you_mean("zzzzzz", names).empty());
}

TEST_CASE("a swap of neighbours counts one") {
  const std::vector<std::string> names = {"abc"};
  CHECK(nearest_name("acb", names) == "abc");
  CHECK(nearest_name("cba", names) == std::nullopt);
}

TEST_CASE("quoted text is safe on a terminal and short") {
  CHECK(quoted("plain") == "\"plain\"");
  CHECK(quoted("a\"b\\c\n\t\x1b[0m") == R"("a\"b\\c\n\t\x1b[0m")");
  CHECK(quoted("gr\xC3\xBC\xC3\x9F") == "\"gr\xC3\xBC\xC3\x9F\"");
  CHECK(quoted("\xff\xC3") == R"("\xff\xc3")");
  CHECK(quoted("\xC2\x9B" "31m") == R"("\u009b31m")");
  CHECK(quoted("\xED\xA0\x80") == R"("\xed\xa0\x80")");  // a surrogate is no character
  CHECK(quoted("\xC3\xBC\xC3\xBC\xC3\xBC", 2) == "\"\xC3\xBC\xC3\xBC...\"");
  CHECK(quoted("abc", 3) == "\"abc\"");
}

TEST_CASE("sizes are read as people write them") {
  CHECK(parse_bytes("1048576") == 1048576);
  CHECK(parse_bytes("512K") == 512 * 1024);
  CHECK(parse_bytes("1.5G") == 1610612736);
  CHECK(parse_bytes("2GiB") == std::uint64_t{2} << 30);
  CHECK(parse_bytes(" 500 MB ") == std::uint64_t{500} << 20);
  CHECK(parse_bytes("7b") == 7);
  CHECK(parse_bytes("0") == 0);
  CHECK(parse_bytes("18446744073709551615") == std::numeric_limits<std::uint64_t>::max());
  for (const char* bad : {"", "G", "-1", "1X", "1.5", "1e3", "18446744073709551616", "99999999999G", "1..5G", "1GG", "nan", "0x10"}) {
    CAPTURE(bad);
    CHECK(parse_bytes(bad) == std::nullopt);
  }
}

TEST_CASE("sizes are printed with one decimal and a unit") {
  CHECK(format_bytes(0) == "0 B");
  CHECK(format_bytes(1023) == "1023 B");
  CHECK(format_bytes(1536) == "1.5 KiB");
  CHECK(format_bytes((std::uint64_t{1} << 20) - 1) == "1.0 MiB");
  CHECK(format_bytes(std::numeric_limits<std::uint64_t>::max()) == "16.0 EiB");
}

TEST_CASE("durations are read as people and Slurm write them") {
  CHECK(parse_duration("90") == 90);
  CHECK(parse_duration("90s") == 90);
  CHECK(parse_duration("15m") == 900);
  CHECK(parse_duration("1h30m") == 5400);
  CHECK(parse_duration("1h 30m") == 5400);
  CHECK(parse_duration("2d") == 172800);
  CHECK(parse_duration("0.5s") == 0.5);
  CHECK(parse_duration("250ms") == 0.25);
  CHECK(parse_duration("01:30:00") == 5400);
  CHECK(parse_duration("10:30") == 630);
  CHECK(parse_duration("1-12:00:00") == 129600);
  CHECK(parse_duration("1-12") == 129600);
  CHECK(parse_duration("1-12:30") == 131400);
  for (const char* bad : {"", "h", "-5", "1h30", "5 5", "1:2:3:4", "1:", ":", "-", "1-", "1y", "nan", "inf", "1e3", "1-2-3"}) {
    CAPTURE(bad);
    CHECK(parse_duration(bad) == std::nullopt);
  }
}

TEST_CASE("durations are printed in two units") {
  CHECK(format_duration(0.25) == "250ms");
  CHECK(format_duration(0.9999) == "1.0s");
  CHECK(format_duration(12.34) == "12.3s");
  CHECK(format_duration(59.99) == "1m00s");
  CHECK(format_duration(90) == "1m30s");
  CHECK(format_duration(3599.7) == "1h00m");
  CHECK(format_duration(5400) == "1h30m");
  CHECK(format_duration(129600) == "1d12h");
  CHECK(format_duration(std::numeric_limits<double>::infinity()) == "unknown");
}

TEST_CASE("numbers are printed as Python and its json print them") {
  CHECK(format_number(3.0f) == "3.0");
  CHECK(format_number(0.1f) == "0.1");
  CHECK(format_number(0.1) == "0.1");
  CHECK(format_number(1.0 / 3) == "0.3333333333333333");
  CHECK(format_number(1.0f / 3) == "0.33333334");
  CHECK(format_number(1e22) == "1e+22");
  CHECK(format_number(1e16) == "1e+16");
  CHECK(format_number(1e15) == "1000000000000000.0");
  CHECK(format_number(123456789012345680.0) == "1.2345678901234568e+17");
  CHECK(format_number(1e-4) == "0.0001");
  CHECK(format_number(1e-4f) == "0.0001");
  CHECK(format_number(1e-5) == "1e-05");
  CHECK(format_number(1.5e-7) == "1.5e-07");
  CHECK(format_number(1e100) == "1e+100");
  CHECK(format_number(5e-324) == "5e-324");
  CHECK(format_number(-0.0) == "-0.0");
  CHECK(format_number(0.0) == "0.0");
  CHECK(format_number(-2.5) == "-2.5");
  CHECK(format_number(std::nan("")) == "nan");
  CHECK(format_number(-std::numeric_limits<float>::infinity()) == "-inf");
}

TEST_CASE("a printed number reads back to the same bits") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t bits = random();
    double d;
    float f;
    std::memcpy(&d, &bits, sizeof d);
    std::memcpy(&f, &bits, sizeof f);
    std::string text = "x";
    append_number(text, d);
    if (std::isfinite(d) && std::strtod(text.c_str() + 1, nullptr) != d) FAIL(text);
    if (std::isfinite(f) && std::strtof(format_number(f).c_str(), nullptr) != f) FAIL(format_number(f));
  }
}

TEST_CASE("JSON strings escape what JSON wants and replace invalid UTF-8") {
  CHECK(json_quoted("a\"b\\\n\x01") == R"("a\"b\\\n\u0001")");
  CHECK(json_quoted("gr\xC3\xBC\xF0\x9F\x98\x80") == "\"gr\xC3\xBC\xF0\x9F\x98\x80\"");
  CHECK(json_quoted("a\xff" "b\xC3") == "\"a\xEF\xBF\xBD" "b\xEF\xBF\xBD\"");
  CHECK(json_quoted(std::string_view("\0", 1)) == R"("\u0000")");
}

TEST_CASE("percent signs of URIs are bytes, or the text is malformed") {
  CHECK(percent_decoded("/a%20b%2F%ff") == "/a b/\xff");
  CHECK(percent_decoded("%00") == std::string(1, '\0'));
  for (const char* bad : {"%", "a%2", "%zz", "%2g", "%-1", "%+1", "% 1"}) CHECK_FALSE(percent_decoded(bad));
}

TEST_CASE("large numbers are grouped by thousands") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1000) == "1,000");
  CHECK(grouped(1234567) == "1,234,567");
  CHECK(grouped(std::numeric_limits<std::uint64_t>::max()) == "18,446,744,073,709,551,615");
  CHECK(counted(1, "file") == "1 file");
  CHECK(counted(0, "file") == "0 files");
  CHECK(counted(1234, "file") == "1,234 files");
  CHECK(counted(2, "class") == "2 classes");
}

}  // namespace smtrain
