// Calendar: time stamps without a zone, and the grids of time that series lie on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smtrain::formats {

/// Seconds since 1970-01-01 00:00:00 in whatever zone the data was taken, years 0 to 9999.
using TimeStamp = std::int64_t;

/// Reads "2020-01-31", "2020-01-31 10:30", "2020-01-31 10:30:00" (fractions of a second cut off, "T" for the blank), also with
/// slashes, "20200131" too. nullopt for anything else: impossible dates, two-digit years, time zones.
std::optional<TimeStamp> parse_time(std::string_view text);

/// Why parse_time() refuses a text, for messages: "it has a time zone", "day 31 of month 2", "expected 2020-01-31 10:30:00".
std::string time_problem(std::string_view text);

/// "2020-01-31 10:30:00"
std::string format_time(TimeStamp time);

enum class TimeUnit { minute, hour, day, week, month };

/// The distance of two neighbouring points, as DeepAR's time_freq names it: "15min", "H", "2D", "W", "3M".
struct Frequency {
  TimeUnit unit = TimeUnit::day;
  std::int64_t multiple = 1;
  bool operator==(const Frequency&) const = default;
};

/// nullopt when it is not <positive integer>?(M|W|D|H|min).
std::optional<Frequency> parse_frequency(std::string_view text);
std::string format_frequency(Frequency frequency);

/// The beginning of the unit in which a time lies: its minute, hour, day, month; of a week the day, which stays the anchor of its
/// series.
TimeStamp floor_time(TimeStamp time, TimeUnit unit);

/// The time `steps` points after `start`, which may be negative.
TimeStamp step_time(TimeStamp start, Frequency frequency, std::int64_t steps);

/// How many points after `start` a time lies: steps so that step_time(start, frequency, steps) is its floor. nullopt when it lies
/// between two points. `start` is a floor.
std::optional<std::int64_t> steps_between(TimeStamp start, TimeStamp time, Frequency frequency);

/// Gathers the distances of neighbouring times and tells the widest grid on which all of them lie.
class FrequencyFinder {
 public:
  /// Neighbouring times of one series, a < b.
  void add(TimeStamp a, TimeStamp b);
  /// nullopt when nothing was added, or the grid would be finer than a minute.
  std::optional<Frequency> found() const;

 private:
  std::int64_t seconds_ = 0;  // greatest common divisor
  std::int64_t months_ = 0;   // 0: not all at the same place of their month
  bool by_month_ = true;
};

}  // namespace smtrain::formats
