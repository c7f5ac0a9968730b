// Objects as JSON Lines, for records that are no rows of numbers: lines to objects, and fields taken out of them. Includes
// simdjson, so only sources of lib/formats include it.
#pragma once

#include <simdjson.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "formats/record_cutter.h"

namespace smtrain::formats {

/// Reads the lines of blocks. Blank lines are passed over; a comma behind an object is tolerated with one warning for the life of
/// the reader; the bare words NaN, Infinity and -Infinity, which Python writes though JSON has them not, count as null and as
/// strings. Thread-safe.
class JsonLines {
 public:
  using Object = simdjson::dom::object;
  /// Called with each object and the number of its line; user Errors it throws get the place in front.
  using OnObject = std::function<void(Object object, std::uint64_t line)>;

  /// `example`: what a line should look like, for messages.
  explicit JsonLines(std::string example) : example_(std::move(example)) {}
  void each(const RawBlock& block, Log& log, const OnObject& on_object) const;

 private:
  Object object_of(simdjson::dom::parser& parser, std::string_view line, std::size_t behind) const;

  std::string example_;
  mutable std::atomic<bool> warned_comma_{false};
};

/// The member, or nullopt when it is not there or null.
std::optional<simdjson::dom::element> json_member(simdjson::dom::object object, std::string_view name);

/// A list of numbers; null, "NaN" and "nan" are missing ones. Errors name the field: `target[3]: found "abc", expected a number`.
enum class MissingNumbers { refused, nan };
void read_json_numbers(simdjson::dom::element value, const std::string& path, MissingNumbers missing, std::vector<double>& out);

/// A list of integers from 0 to `most`, fractions of 0 allowed. Appends.
void read_json_ids(simdjson::dom::element value, const std::string& path, std::uint32_t most, std::vector<std::uint32_t>& out);

/// One such integer.
std::uint32_t read_json_id(simdjson::dom::element value, const std::string& path, std::uint32_t most);

/// [1,2,3]
template <class Number>
void append_json_ids(std::string& out, const std::vector<Number>& ids) {
  out += '[';
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i > 0) out += ',';
    out += std::to_string(ids[i]);
  }
  out += ']';
}

/// [1.5,null,3.0]: numbers that are missing as null.
void append_json_numbers(std::string& out, const std::vector<double>& values);

}  // namespace smtrain::formats
