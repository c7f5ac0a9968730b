#include "formats/series/calendar.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <numeric>

#include "base/text.h"

namespace smtrain::formats {
namespace {

constexpr std::int64_t kMinute = 60, kHour = 3600, kDay = 86400, kWeek = 7 * kDay;
constexpr const char* kTimeForm = "expected a time such as 2020-01-31 10:30:00";

struct Civil {
  std::int64_t year = 0;
  unsigned month = 1, day = 1;
  std::int64_t second = 0;  // of the day
};

std::int64_t floor_to(std::int64_t value, std::int64_t step) {
  const std::int64_t rest = value % step;
  return value - (rest < 0 ? rest + step : rest);
}

Civil civil_of(TimeStamp time) {
  const std::int64_t day = floor_to(time, kDay) / kDay;
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day}}};
  return {static_cast<int>(date.year()), static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
          time - day * kDay};
}

std::chrono::year_month_day date_of(const Civil& c) {
  return std::chrono::year{static_cast<int>(c.year)} / std::chrono::month{c.month} / std::chrono::day{c.day};
}

TimeStamp time_of(const Civil& c) {
  return std::int64_t{std::chrono::sys_days{date_of(c)}.time_since_epoch().count()} * kDay + c.second;
}

std::int64_t month_number(const Civil& c) { return c.year * 12 + c.month - 1; }

TimeStamp month_start(std::int64_t number) {
  return time_of({floor_to(number, 12) / 12, static_cast<unsigned>(number - floor_to(number, 12)) + 1, 1, 0});
}

// The last day of its month counts as the same place in every month.
bool at_month_end(const Civil& c) {
  const auto date = date_of(c);
  return date.day() == (date.year() / date.month() / std::chrono::last).day();
}

// Takes exactly `digits` digits off the front.
bool take_number(std::string_view& text, std::size_t digits, unsigned& number) {
  if (text.size() < digits) return false;
  const char* const end = text.data() + digits;
  for (const char* p = text.data(); p != end; ++p) {
    if (*p < '0' || *p > '9') return false;
  }
  std::from_chars(text.data(), end, number);
  text.remove_prefix(digits);
  return true;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// Empty when all is well.
std::string read_date(std::string_view& text, Civil& out) {
  unsigned year = 0;
  if (!take_number(text, 4, year)) return kTimeForm;
  out.year = year;
  const char separator = text.empty() ? '\0' : text.front();
  const bool separated = take(text, "-/.");
  if (!take_number(text, 2, out.month) || (separated && !take(text, {&separator, 1})) || !take_number(text, 2, out.day))
    return kTimeForm;
  if (!date_of(out).ok()) return fmt::format("there is no day {} of month {} in year {}", out.day, out.month, out.year);
  return {};
}

std::string read_clock(std::string_view& text, Civil& out) {
  unsigned hour = 0, minute = 0, second = 0;
  if (!take_number(text, 2, hour) || !take(text, ":") || !take_number(text, 2, minute)) return kTimeForm;
  if (take(text, ":") && !take_number(text, 2, second)) return kTimeForm;
  if (take(text, ".,")) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(digits);
  }
  if (hour > 23 || minute > 59 || second > 59)
    return fmt::format("there is no time of day {:02}:{:02}:{:02}", hour, minute, second);
  out.second = hour * kHour + minute * kMinute + second;
  return {};
}

std::string read_time(std::string_view text, Civil& out) {
  text = trim(text);
  if (std::string problem = read_date(text, out); !problem.empty()) return problem;
  if (text.empty()) return {};
  if (!take(text, " T")) return kTimeForm;
  if (std::string problem = read_clock(text, out); !problem.empty()) return problem;
  if (text.empty()) return {};
  return text.find_first_of("Zz+-") != std::string_view::npos
             ? "it has a time zone; times have none: take one zone for all and leave it out"
             : kTimeForm;
}

std::int64_t seconds_of(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::minute: return kMinute;
    case TimeUnit::hour: return kHour;
    case TimeUnit::day: return kDay;
    case TimeUnit::week: return kWeek;
    case TimeUnit::month: break;
  }
  return 0;
}

struct UnitName {
  TimeUnit unit;
  std::string_view name;
};
constexpr UnitName kUnits[] = {
    {TimeUnit::minute, "min"}, {TimeUnit::hour, "H"}, {TimeUnit::day, "D"}, {TimeUnit::week, "W"}, {TimeUnit::month, "M"}};

}  // namespace

std::optional<TimeStamp> parse_time(std::string_view text) {
  Civil civil;
  if (!read_time(text, civil).empty()) return std::nullopt;
  return time_of(civil);
}

std::string time_problem(std::string_view text) {
  Civil civil;
  return read_time(text, civil);
}

std::string format_time(TimeStamp time) {
  const Civil c = civil_of(time);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", c.year, c.month, c.day, c.second / kHour, c.second / kMinute % 60,
                     c.second % 60);
}

std::optional<Frequency> parse_frequency(std::string_view text) {
  Frequency frequency;
  const char* const end = text.data() + text.size();
  const auto [unit, error] = std::from_chars(text.data(), end, frequency.multiple);
  const bool numbered = unit != text.data();
  if (numbered && (error != std::errc() || frequency.multiple < 1 || frequency.multiple > 1000000)) return std::nullopt;
  for (const UnitName& u : kUnits) {
    if (std::string_view(unit, static_cast<std::size_t>(end - unit)) != u.name) continue;
    frequency.unit = u.unit;
    return frequency;
  }
  return std::nullopt;
}

std::string format_frequency(Frequency frequency) {
  std::string text = frequency.multiple == 1 ? "" : std::to_string(frequency.multiple);
  for (const UnitName& u : kUnits) {
    if (u.unit == frequency.unit) text += u.name;
  }
  return text;
}

TimeStamp floor_time(TimeStamp time, TimeUnit unit) {
  if (unit == TimeUnit::month) return month_start(month_number(civil_of(time)));
  return floor_to(time, unit == TimeUnit::week ? kDay : seconds_of(unit));
}

TimeStamp step_time(TimeStamp start, Frequency frequency, std::int64_t steps) {
  if (frequency.unit == TimeUnit::month) return month_start(month_number(civil_of(start)) + steps * frequency.multiple);
  return start + steps * frequency.multiple * seconds_of(frequency.unit);
}

std::optional<std::int64_t> steps_between(TimeStamp start, TimeStamp time, Frequency frequency) {
  const bool months = frequency.unit == TimeUnit::month;
  const std::int64_t units = months ? month_number(civil_of(time)) - month_number(civil_of(start))
                                    : (floor_time(time, frequency.unit) - start);
  const std::int64_t step = months ? frequency.multiple : frequency.multiple * seconds_of(frequency.unit);
  if (units % step != 0) return std::nullopt;
  return units / step;
}

void FrequencyFinder::add(TimeStamp a, TimeStamp b) {
  seconds_ = std::gcd(seconds_, b - a);
  const Civil first = civil_of(a), second = civil_of(b);
  const bool same_place =
      first.second == second.second && (first.day == second.day || (at_month_end(first) && at_month_end(second)));
  by_month_ = by_month_ && same_place;
  if (by_month_) months_ = std::gcd(months_, month_number(second) - month_number(first));
}

std::optional<Frequency> FrequencyFinder::found() const {
  if (seconds_ == 0 || seconds_ % kMinute != 0) return std::nullopt;
  if (by_month_ && months_ > 0) return Frequency{TimeUnit::month, months_};
  for (const TimeUnit unit : {TimeUnit::week, TimeUnit::day, TimeUnit::hour}) {
    if (seconds_ % seconds_of(unit) == 0) return Frequency{unit, seconds_ / seconds_of(unit)};
  }
  return Frequency{TimeUnit::minute, seconds_ / kMinute};
}

}  // namespace smtrain::formats
