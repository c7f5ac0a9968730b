// Members of JSON objects with their types checked; messages give the path of what is wrong. Includes simdjson, so only sources
// of lib/formats include it.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace smtrain::formats {

/// Where a value stands: the file, and the way to it. Put together only for a message. Its parents must outlive it.
struct JsonPlace {
  static constexpr std::size_t kNoIndex = std::numeric_limits<std::size_t>::max();

  std::string_view name;          ///< of a place without parent: the file; else the member
  std::size_t index = kNoIndex;   ///< in that member's array
  const JsonPlace* in = nullptr;

  JsonPlace member(std::string_view member_name) const { return {member_name, kNoIndex, this}; }
  JsonPlace item(std::string_view member_name, std::size_t i) const { return {member_name, i, this}; }
  /// "a.json: annotations[3].left"
  std::string text() const;
};

/// The document; throws a user Error that begins with `where`. The element lives until the parser's next document.
simdjson::dom::element parse_json(simdjson::dom::parser& parser, std::string_view text, std::string_view where);

/// Each throws a user Error with the place, what was found, and what was expected.
simdjson::dom::object json_object(simdjson::dom::element value, const JsonPlace& place);
simdjson::dom::array json_array(simdjson::dom::element value, const JsonPlace& place);
std::string_view json_text(simdjson::dom::element value, const JsonPlace& place);
double json_number(simdjson::dom::element value, const JsonPlace& place);
/// An integer within [low, high]; 3.0 is none.
std::int64_t json_integer(simdjson::dom::element value, const JsonPlace& place, std::int64_t low, std::int64_t high);

/// A member; nullopt when it is not there.
std::optional<simdjson::dom::element> json_find(simdjson::dom::object object, std::string_view name);
/// The same; throws when it is not there.
simdjson::dom::element json_member(simdjson::dom::object object, std::string_view name, const JsonPlace& object_place);

}  // namespace smtrain::formats
