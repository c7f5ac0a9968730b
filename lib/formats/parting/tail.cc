#include "formats/parting/tail.h"

#include <simdjson.h>

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace smtrain::formats {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;

// The first `count` elements, or all that there are.
std::string first_of(const array& values, std::uint64_t count) {
  std::string out = "[";
  for (const element value : values) {
    if (count-- == 0) break;
    if (out.size() > 1) out += ',';
    out += simdjson::minify(value);
  }
  return out + ']';
}

std::string features_until(const element& features, std::uint64_t end, const std::string& place) {
  std::string out = "[";
  array all;
  if (features.get(all) != simdjson::SUCCESS) throw user_error("{}: dynamic_feat is no array of arrays", place);
  for (const element feature : all) {
    array values;
    if (feature.get(values) != simdjson::SUCCESS) throw user_error("{}: dynamic_feat is no array of arrays", place);
    if (out.size() > 1) out += ',';
    out += first_of(values, end);
  }
  return out + ']';
}

// array::size() is cut off at 2^24 - 1.
std::uint64_t length_of(const array& values) {
  return static_cast<std::uint64_t>(std::distance(values.begin(), values.end()));
}

}  // namespace

std::uint64_t RecordTail::short_groups() const {
  return static_cast<std::uint64_t>(
      std::count_if(groups_.begin(), groups_.end(), [&](const auto& entry) { return entry.second.records <= length_; }));
}

std::optional<std::string> series_without_tail(std::string_view line, std::uint64_t length, const std::string& place) {
  thread_local simdjson::dom::parser parser;
  simdjson::dom::object series;
  if (const auto error = parser.parse(line.data(), line.size()).get(series); error != simdjson::SUCCESS) {
    throw user_error("{}: is no JSON object: {}", place, simdjson::error_message(error));
  }
  array target;
  if (series["target"].get(target) != simdjson::SUCCESS) {
    throw user_error("{}: the series has no array \"target\"; expected start and target, as DeepAR reads them", place);
  }
  const std::uint64_t values = length_of(target);
  if (values <= length) return std::nullopt;
  std::string out;
  for (const auto& [key, value] : series) {
    out += out.empty() ? '{' : ',';
    out += json_quoted(key) + ':';
    if (key == "target") out += first_of(target, values - length);
    else if (key == "dynamic_feat") out += features_until(value, values - length, place);
    else out += simdjson::minify(value);
  }
  return out + '}';
}

}  // namespace smtrain::formats
