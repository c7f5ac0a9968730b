#include <charconv>

#include "base/error.h"
#include "base/text.h"
#include "formats/image/mask.h"
#include "formats/json/json_members.h"
#include "formats/json/json_row.h"

namespace smtrain::formats::image {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

std::int64_t number_of_text(std::string_view text, const JsonPlace& place, std::int64_t low, std::int64_t high) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < low || value > high)
    throw user_error("{}: found {}, expected an integer from {} to {}", place.text(), smtrain::quoted(text), low, high);
  return value;
}

std::int64_t number_of(element value, const JsonPlace& place, std::int64_t low, std::int64_t high) {
  std::string_view text;
  return value.get(text) == simdjson::SUCCESS ? number_of_text(trim(text), place, low, high)
                                              : json_integer(value, place, low, high);
}

LabelMap scaled(std::int64_t scale) {
  LabelMap map = LabelMap::identity();
  // 255 is a hole before it is a number.
  for (std::size_t value = 0; value < kHole; ++value)
    map.label[value] = static_cast<std::uint8_t>(static_cast<std::int64_t>(value) / scale);
  return map;
}

LabelMap mapped(object entries, const JsonPlace& place) {
  LabelMap map;
  map.label.fill(kHole);
  map.known.fill(false);
  std::array<bool, 256> used{};
  for (const auto& [key, value] : entries) {
    const JsonPlace entry = place.member(key);
    const std::int64_t label = number_of_text(key, place, 0, 255), pixel = number_of(value, entry, 0, 255);
    const auto at = static_cast<std::size_t>(pixel);
    if (used[static_cast<std::size_t>(label)]) throw user_error("{}: label {} comes twice", place.text(), label);
    used[static_cast<std::size_t>(label)] = true;
    if (map.known[at]) {
      throw user_error("{}: the pixel value {} means label {} already; keys are labels, values are pixel values", entry.text(),
                       pixel, map.label[at]);
    }
    map.label[at] = static_cast<std::uint8_t>(label);
    map.known[at] = true;
  }
  map.known[kHole] = true;  // a hole that the map leaves out is a hole still, and nothing to warn of
  return map;
}

}  // namespace

LabelMap LabelMap::identity() {
  LabelMap map;
  for (std::size_t value = 0; value < 256; ++value) map.label[value] = static_cast<std::uint8_t>(value);
  map.known.fill(true);
  return map;
}

LabelMap parse_label_map(std::string_view text, const std::string& where) {
  simdjson::dom::parser parser;
  const JsonPlace place{where};
  const object top = json_object(parse_json(parser, text, where), place);
  const auto scale = json_find(top, "scale"), map = json_find(top, "map");
  if (scale.has_value() == map.has_value()) {
    throw user_error("{}: has {} \"scale\" and \"map\"; expected one of them: {} or {}", where, scale ? "both" : "neither",
                     R"({"scale": "3"})", R"({"map": {"LABEL": PIXEL}})");
  }
  if (scale) return scaled(number_of(*scale, place.member("scale"), 1, 255));
  const JsonPlace map_place = place.member("map");
  return mapped(json_object(*map, map_place), map_place);
}

}  // namespace smtrain::formats::image
