#include "formats/series/calendar.h"

#include <catch2/catch.hpp>

#include <ctime>

#include "base/random.h"

using namespace smtrain;
using namespace smtrain::formats;

namespace {

TimeStamp at(const char* text) {
  const auto time = parse_time(text);
  INFO(text);
  REQUIRE(time.has_value());
  return *time;
}

std::string found(const std::vector<const char*>& times) {
  FrequencyFinder finder;
  for (std::size_t i = 1; i < times.size(); ++i) finder.add(at(times[i - 1]), at(times[i]));
  const auto frequency = finder.found();
  return frequency ? format_frequency(*frequency) : "none";
}

}  // namespace

TEST_CASE("calendar: times are read in the forms people write", "[formats][series]") {
  CHECK(at("1970-01-01") == 0);
  CHECK(at("1970-01-02 00:00:01") == 86401);
  CHECK(at("1969-12-31 23:59:59") == -1);
  for (const char* same : {"2016-02-29 13:05:00", "2016-02-29T13:05:00", "2016-02-29 13:05", "2016/02/29 13:05:00", "20160229 13:05:00",
                           " 2016-02-29 13:05:00.000 ", "2016.02.29 13:05"}) {
    CAPTURE(same);
    CHECK(format_time(at(same)) == "2016-02-29 13:05:00");
  }
}

TEST_CASE("calendar: what is no time is refused with its reason", "[formats][series]") {
  CHECK(time_problem("2020-01-31 10:00:00Z").find("time zone") != std::string::npos);
  CHECK(time_problem("2020-01-31T10:00:00+01:00").find("time zone") != std::string::npos);
  CHECK(time_problem("2019-02-29") == "there is no day 29 of month 2 in year 2019");
  CHECK(time_problem("2019-02-03 24:00:00") == "there is no time of day 24:00:00");
  for (const char* wrong : {"", "x", "2020", "2020-1-1", "31.01.2020", "2020-01/31", "2020-01-31 ", "2020-01-31 1:00", "1580515200", "2020-01-31 10:00:00x"}) {
    CAPTURE(wrong);
    CHECK(parse_time(wrong).has_value() == (std::string(wrong) == "2020-01-31 "));
    CHECK(time_problem(wrong).empty() == parse_time(wrong).has_value());
  }
}

TEST_CASE("calendar: printing and reading agree with the C library over all years", "[formats][series]") {
  RandomStream random(20, "times");
  for (int i = 0; i < 2000; ++i) {
    const auto time = static_cast<TimeStamp>(random.below(253402300800 + 62167219200)) - 62167219200;
    const std::time_t seconds = time;
    std::tm parts{};
    REQUIRE(gmtime_r(&seconds, &parts) != nullptr);
    char text[64];
    std::snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d:%02d", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                  parts.tm_min, parts.tm_sec);
    CHECK(format_time(time) == text);
    CHECK(parse_time(text) == time);
  }
}

TEST_CASE("calendar: frequencies are read and printed", "[formats][series]") {
  for (const char* text : {"min", "15min", "H", "2H", "D", "W", "M", "3M", "12M"}) CHECK(format_frequency(*parse_frequency(text)) == text);
  CHECK(format_frequency(*parse_frequency("1H")) == "H");
  for (const char* text : {"", "0H", "-1D", "h", "15", "5T", "1.5H", "Hx", "99999999999999999999D"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_frequency(text).has_value());
  }
}

TEST_CASE("calendar: steps lead along the grid and back", "[formats][series]") {
  const auto step = [](const char* start, const char* frequency, std::int64_t n) {
    return format_time(step_time(at(start), *parse_frequency(frequency), n));
  };
  CHECK(step("2020-01-31", "D", 30) == "2020-03-01 00:00:00");
  CHECK(step("2020-01-01", "M", 14) == "2021-03-01 00:00:00");
  CHECK(step("2020-01-01", "3M", -1) == "2019-10-01 00:00:00");
  CHECK(step("2020-02-28 23:00", "2H", 1) == "2020-02-29 01:00:00");
  CHECK(step("2020-01-01", "W", 2) == "2020-01-15 00:00:00");
  CHECK(format_time(floor_time(at("2020-01-31 13:14:15"), TimeUnit::month)) == "2020-01-01 00:00:00");
  CHECK(format_time(floor_time(at("2020-01-31 13:14:15"), TimeUnit::week)) == "2020-01-31 00:00:00");
  CHECK(format_time(floor_time(at("1969-12-31 13:14:15"), TimeUnit::hour)) == "1969-12-31 13:00:00");
  CHECK(steps_between(at("2020-01-01"), at("2020-03-31"), {TimeUnit::month, 1}) == 2);
  CHECK(steps_between(at("2020-01-01"), at("2020-03-31"), {TimeUnit::month, 3}) == std::nullopt);
  CHECK(steps_between(at("2020-01-01"), at("2020-01-09"), {TimeUnit::week, 1}) == std::nullopt);
  RandomStream random(21, "steps");
  for (const char* name : {"min", "7min", "H", "5H", "D", "3D", "W", "M", "5M"}) {
    const Frequency frequency = *parse_frequency(name);
    for (int i = 0; i < 100; ++i) {
      const TimeStamp start = floor_time(static_cast<TimeStamp>(random.below(4000000000)), frequency.unit);
      const auto n = static_cast<std::int64_t>(random.below(2000)) - 1000;
      CHECK(steps_between(start, step_time(start, frequency, n), frequency) == n);
    }
  }
}

TEST_CASE("calendar: the widest grid is found", "[formats][series]") {
  CHECK(found({"2020-01-01", "2020-01-02", "2020-01-05"}) == "D");
  CHECK(found({"2020-01-01", "2020-01-08", "2020-01-29"}) == "W");
  CHECK(found({"2020-01-31", "2020-02-29", "2020-03-31"}) == "M");
  CHECK(found({"2020-01-15", "2020-04-15", "2020-10-15"}) == "3M");
  CHECK(found({"2018-01-01", "2019-01-01", "2020-01-01"}) == "12M");
  CHECK(found({"2020-01-01 00:00", "2020-01-01 00:30", "2020-01-01 02:00"}) == "30min");
  CHECK(found({"2020-01-01 00:00", "2020-01-01 02:00", "2020-01-01 08:00"}) == "2H");
  CHECK(found({"2020-01-01 00:00:00", "2020-01-01 00:00:30"}) == "none");
  CHECK(found({"2020-01-01"}) == "none");
}
