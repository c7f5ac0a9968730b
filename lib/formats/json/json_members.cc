#include "formats/json/json_members.h"

#include "base/error.h"
#include "base/text.h"
#include "formats/json/json_row.h"

namespace smtrain::formats {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

std::string JsonPlace::text() const {
  std::string path(name);
  if (index != kNoIndex) path += fmt::format("[{}]", index);
  if (in == nullptr) return path;
  return in->text() + (in->in == nullptr ? ": " : ".") + path;
}

element parse_json(simdjson::dom::parser& parser, std::string_view text, std::string_view where) {
  element value;
  const simdjson::error_code error = parser.parse(text.data(), text.size()).get(value);
  if (error == simdjson::MEMALLOC) throw machine_error("{}: not enough memory for {} of JSON", where, format_bytes(text.size()));
  if (error == simdjson::EMPTY) throw user_error("{}: is empty; expected a JSON object", where);
  if (error != simdjson::SUCCESS) throw user_error("{}: no valid JSON: {}", where, simdjson::error_message(error));
  return value;
}

object json_object(element value, const JsonPlace& place) {
  object out;
  if (value.get(out) != simdjson::SUCCESS)
    throw user_error("{}: found {}, expected an object", place.text(), describe_json(value));
  return out;
}

array json_array(element value, const JsonPlace& place) {
  array out;
  if (value.get(out) != simdjson::SUCCESS)
    throw user_error("{}: found {}, expected an array", place.text(), describe_json(value));
  return out;
}

std::string_view json_text(element value, const JsonPlace& place) {
  std::string_view out;
  if (value.get(out) != simdjson::SUCCESS)
    throw user_error("{}: found {}, expected a string", place.text(), describe_json(value));
  return out;
}

double json_number(element value, const JsonPlace& place) {
  double out;
  if (value.get(out) != simdjson::SUCCESS)
    throw user_error("{}: found {}, expected a number", place.text(), describe_json(value));
  return out;
}

std::int64_t json_integer(element value, const JsonPlace& place, std::int64_t low, std::int64_t high) {
  std::int64_t out;
  if (value.get(out) != simdjson::SUCCESS || out < low || out > high)
    throw user_error("{}: found {}, expected an integer from {} to {}", place.text(), describe_json(value), low, high);
  return out;
}

std::optional<element> json_find(object object, std::string_view name) {
  element out;
  return object[name].get(out) == simdjson::SUCCESS ? std::optional(out) : std::nullopt;
}

element json_member(object object, std::string_view name, const JsonPlace& object_place) {
  const auto found = json_find(object, name);
  if (!found) throw user_error("{}: no member {}", object_place.text(), smtrain::quoted(name));
  return *found;
}

}  // namespace smtrain::formats
