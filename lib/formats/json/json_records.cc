#include "formats/json/json_records.h"

#include <cmath>
#include <limits>
#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "formats/json/json_row.h"
#include "formats/text/lines.h"

namespace smtrain::formats {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::element_type;
using simdjson::dom::object;

struct BareWord {
  std::string_view word, instead;
};
constexpr BareWord kBareWords[] = {{"-Infinity", "\"-Infinity\""}, {"Infinity", "\"Infinity\""}, {"NaN", "null"}};

// Words outside of strings that JSON does not have, made into what it has.
std::string without_bare_words(std::string_view line) {
  std::string out;
  bool in_string = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (in_string && c == '\\' && i + 1 < line.size()) out += line[i++];
    if (c == '"' ) in_string = !in_string;
    const BareWord* found = nullptr;
    for (const BareWord& w : kBareWords) {
      if (!in_string && found == nullptr && line.substr(i).starts_with(w.word)) found = &w;
    }
    if (found == nullptr) {
      out += line[i];
      continue;
    }
    out += found->instead;
    i += found->word.size() - 1;
  }
  return out;
}

bool drop_comma(std::string_view& line) {
  if (!line.ends_with(',')) return false;
  line = trim(line.substr(0, line.size() - 1));
  return true;
}

bool means_missing(element value) {
  if (value.is_null()) return true;
  std::string_view text;
  return value.get(text) == simdjson::SUCCESS && (text == "NaN" || text == "nan");
}

array list_of(element value, const std::string& path, const char* of) {
  array list;
  if (value.get(list) != simdjson::SUCCESS)
    throw user_error("{}: found {}, expected a list of {}", path, describe_json(value), of);
  return list;
}

}  // namespace

void JsonLines::each(const RawBlock& block, Log& log, const OnObject& on_object) const {
  Lines lines({block.bytes.data(), block.bytes.size()}, block.first_line);
  simdjson::dom::parser parser;
  try {
    while (lines.next()) {
      std::string_view line = lines.line();
      const std::size_t dropped = line.size();
      if (drop_comma(line) && !warned_comma_.exchange(true, std::memory_order_relaxed)) {
        log.warning("{}: a comma behind the object; JSON Lines have none", line_place(*block.source, lines.number()));
      }
      on_object(object_of(parser, line, lines.behind() + dropped - line.size()), lines.number());
    }
  } catch (const Error& e) {
    throw Error(e.fault(), fmt::format("{}: {}", line_place(*block.source, lines.number()), e.what()));
  }
}

// simdjson reads a little beyond the end and copies where it may not.
JsonLines::Object JsonLines::object_of(simdjson::dom::parser& parser, std::string_view line, std::size_t behind) const {
  if (line.empty()) throw user_error("found nothing, expected an object such as {}", example_);
  element root;
  simdjson::error_code error = parser.parse(line.data(), line.size(), behind < simdjson::SIMDJSON_PADDING).get(root);
  if (error != simdjson::SUCCESS) {
    const std::string mended = without_bare_words(line);
    if (mended != line) error = parser.parse(mended).get(root);
  }
  if (error != simdjson::SUCCESS) {
    throw user_error("not valid JSON: {} ({}), expected an object such as {}", smtrain::quoted(line),
                     to_lower(simdjson::error_message(error)), example_);
  }
  object members;
  if (root.get(members) != simdjson::SUCCESS)
    throw user_error("found {}, expected an object such as {}", describe_json(root), example_);
  return members;
}

std::optional<element> json_member(object members, std::string_view name) {
  element found;
  if (members[name].get(found) != simdjson::SUCCESS || found.is_null()) return std::nullopt;
  return found;
}

void read_json_numbers(element value, const std::string& path, MissingNumbers missing, std::vector<double>& out) {
  const array list = list_of(value, path, "numbers");
  out.reserve(out.size() + list.size());
  const std::size_t before = out.size();
  for (const element item : list) {
    double number = std::numeric_limits<double>::quiet_NaN();
    if (item.get(number) != simdjson::SUCCESS && !(missing == MissingNumbers::nan && means_missing(item))) {
      throw user_error("{}[{}]: found {}, expected a number{}", path, out.size() - before, describe_json(item),
                       missing == MissingNumbers::nan ? ", or null where one is missing" : "; none may be missing here");
    }
    out.push_back(number);
  }
}

std::uint32_t read_json_id(element value, const std::string& path, std::uint32_t most) {
  double number = -1;
  if (value.get(number) == simdjson::SUCCESS && number >= 0 && number <= static_cast<double>(most) &&
      number == std::floor(number)) {
    return static_cast<std::uint32_t>(number);
  }
  throw user_error("{}: found {}, expected an integer from 0 to {}", path, describe_json(value), most);
}

void read_json_ids(element value, const std::string& path, std::uint32_t most, std::vector<std::uint32_t>& out) {
  const array list = list_of(value, path, "integers");
  out.reserve(out.size() + list.size());
  std::size_t index = 0;
  for (const element item : list) {
    // The usual case first: paths are put together for messages alone.
    std::uint64_t id = 0;
    out.push_back(item.get(id) == simdjson::SUCCESS && id <= most ? static_cast<std::uint32_t>(id)
                                                                  : read_json_id(item, fmt::format("{}[{}]", path, index), most));
    ++index;
  }
}

void append_json_numbers(std::string& out, const std::vector<double>& values) {
  out += '[';
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ',';
    if (std::isfinite(values[i])) append_number(out, values[i]);
    else out += "null";
  }
  out += ']';
}

}  // namespace smtrain::formats
