// Tails: the last records of each group, or the last values of each series, held out of training.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "formats/parting/packed_records.h"

namespace smtrain::formats {

/// Which records are among the last `length` of their group. All records are counted first, then asked for in the same order.
/// Memory grows with the number of groups. Not thread-safe.
class RecordTail {
 public:
  explicit RecordTail(std::uint64_t length) : length_(length) {}
  void count(const RecordKeys& keys) { ++groups_[keys.group].records; }
  bool holds_next(const RecordKeys& keys) {
    Group& group = groups_[keys.group];
    return ++group.asked + length_ > group.records;
  }
  /// Groups that are all tail.
  std::uint64_t short_groups() const;

 private:
  struct Group {
    std::uint64_t records = 0, asked = 0;
  };
  std::uint64_t length_;
  std::unordered_map<std::uint64_t, Group> groups_;
};

/// A series as a line of JSON without the last `length` values of its target; dynamic features end where the target ends, all
/// other members stay. nullopt when nothing is left. Throws a user Error that begins with `place` for what is no series.
std::optional<std::string> series_without_tail(std::string_view line, std::uint64_t length, const std::string& place);

}  // namespace smtrain::formats
