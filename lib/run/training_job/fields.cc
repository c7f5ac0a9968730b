#include "run/training_job/fields.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace smtrain::run::training_job {
namespace {

using nlohmann::json;

std::string found(const json& value) {
  switch (value.type()) {
    case json::value_t::null: return "null";
    case json::value_t::object: return "an object";
    case json::value_t::array: return "a list";
    case json::value_t::string: return smtrain::quoted(value.get_ref<const std::string&>());
    default: return value.dump();
  }
}

std::string limits(std::size_t shortest, std::size_t longest) {
  return shortest == 0 ? fmt::format("a string of at most {} characters", longest)
                       : fmt::format("a string of {} to {} characters", shortest, longest);
}

std::string limits(std::int64_t least, std::int64_t most) {
  return most == kAnyInteger ? fmt::format("an integer of at least {}", least) : fmt::format("an integer, {} to {}", least, most);
}

std::pair<std::size_t, std::size_t> line_and_column(std::string_view text, std::size_t position) {
  const std::string_view before = text.substr(0, std::min(position, text.size()));
  const std::size_t line = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')) + 1;
  const std::size_t start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return {line, std::max<std::size_t>(before.size() - start, 1)};
}

}  // namespace

json parse_document(std::string_view text, const std::string& name) {
  // The parser's own object keeps the last of two equal keys in silence.
  std::vector<std::set<std::string>> open;
  std::string doubled;
  auto watch = [&](int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) open.emplace_back();
    if (event == json::parse_event_t::object_end && !open.empty()) open.pop_back();
    if (event == json::parse_event_t::key && !open.empty() && !open.back().insert(parsed.get<std::string>()).second
        && doubled.empty()) {
      doubled = parsed.get<std::string>();
    }
    return true;
  };
  json document;
  try {
    document = json::parse(text, watch);
  } catch (const json::parse_error& e) {
    const auto [line, column] = line_and_column(text, e.byte);
    throw user_error("{}:{}: not valid JSON at column {}; expected a CreateTrainingJob request", name, line, column);
  } catch (const json::exception& e) {
    throw user_error("{}: not valid JSON: {}", name, e.what());
  }
  if (!doubled.empty()) throw user_error("{}: the key {} is given twice in one object", name, smtrain::quoted(doubled));
  if (!document.is_object()) throw user_error("{}: expected one JSON object, found {}", name, found(document));
  return document;
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(),
                                                [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

const json* Fields::find(const std::string& field) {
  asked_.push_back(field);
  const auto at = object_.find(field);
  return at == object_.end() ? nullptr : &*at;
}

std::string Fields::path_of(const std::string& field) const {
  if (field.empty()) return place_;
  return place_.empty() ? field : place_ + "." + field;
}

std::string Fields::place(const std::string& field) const { return document_.name + ": " + path_of(field); }

void Fields::problem(const std::string& field, const std::string& what, const std::string& expected) {
  document_.problems.add(fmt::format("{}: found {}; expected {}", place(field), what, expected));
}

void Fields::say(const std::string& field, const std::string& message) { document_.problems.add(place(field) + ": " + message); }

bool Fields::has(const std::string& field) { return find(field) != nullptr; }

bool Fields::holds(const std::string& field, const std::string& key) const {
  const auto at = object_.find(field);
  return at != object_.end() && at->is_object() && at->contains(key);
}

std::optional<std::string> Fields::text(const std::string& field, std::size_t shortest, std::size_t longest) {
  const json* value = find(field);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) {
    problem(field, training_job::found(*value), limits(shortest, longest));
    return std::nullopt;
  }
  const std::string& text = value->get_ref<const std::string&>();
  const std::size_t length = characters(text);
  if (length < shortest || length > longest) {
    problem(field, length == 0 ? "an empty string" : fmt::format("{} ({} characters)", smtrain::quoted(text), length),
            limits(shortest, longest));
    return std::nullopt;
  }
  if (text.find('\0') != std::string::npos) {
    problem(field, "a string with a zero byte", "text");
    return std::nullopt;
  }
  return text;
}

std::optional<std::int64_t> Fields::integer(const std::string& field, std::int64_t least, std::int64_t most) {
  const json* value = find(field);
  if (value == nullptr) return std::nullopt;
  const bool fits = value->is_number_integer()
      && !(value->is_number_unsigned() && value->get<std::uint64_t>() > static_cast<std::uint64_t>(kAnyInteger));
  if (!fits || value->get<std::int64_t>() < least || value->get<std::int64_t>() > most) {
    problem(field, training_job::found(*value), limits(least, most));
    return std::nullopt;
  }
  return value->get<std::int64_t>();
}

std::optional<bool> Fields::boolean(const std::string& field) {
  const json* value = find(field);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) {
    problem(field, training_job::found(*value), "true or false");
    return std::nullopt;
  }
  return value->get<bool>();
}

std::optional<std::size_t> Fields::choice(const std::string& field, const std::vector<std::string>& values) {
  const json* value = find(field);
  if (value == nullptr) return std::nullopt;
  const std::string text = value->is_string() ? value->get<std::string>() : "";
  const auto at = std::find(values.begin(), values.end(), text);
  if (!value->is_string() || at == values.end()) {
    problem(field, training_job::found(*value), "one of: " + join(values, ", ") + did_you_mean(text, values));
    return std::nullopt;
  }
  return static_cast<std::size_t>(at - values.begin());
}

std::optional<Fields> Fields::object(const std::string& field) {
  const json* value = find(field);
  if (value == nullptr) return std::nullopt;
  if (!value->is_object()) {
    problem(field, training_job::found(*value), "an object");
    return std::nullopt;
  }
  return Fields(*value, path_of(field), document_);
}

std::vector<std::string> Fields::texts(const std::string& field, std::size_t fewest, std::size_t most, std::size_t shortest,
                                       std::size_t longest) {
  const json* value = find(field);
  std::vector<std::string> out;
  if (value == nullptr) return out;
  if (!value->is_array() || value->size() < fewest || value->size() > most) {
    problem(field, value->is_array() ? fmt::format("a list of {}", value->size()) : training_job::found(*value),
            fmt::format("a list of {} to {} strings", fewest, most));
    return out;
  }
  for (std::size_t i = 0; i < value->size(); ++i) {
    const json& item = (*value)[i];
    const std::string text = item.is_string() ? item.get<std::string>() : "";
    const bool fits = item.is_string() && characters(text) >= shortest && characters(text) <= longest
        && text.find('\0') == std::string::npos;
    if (fits) out.push_back(text);
    else problem(fmt::format("{}[{}]", field, i), training_job::found(item), limits(shortest, longest));
  }
  return out;
}

void Fields::each_object(const std::string& field, std::size_t fewest, std::size_t most,
                         const std::function<void(Fields&)>& use) {
  const json* value = find(field);
  if (value == nullptr) return;
  if (!value->is_array() || value->size() < fewest || value->size() > most) {
    return problem(field, value->is_array() ? fmt::format("a list of {}", value->size()) : training_job::found(*value),
                   fmt::format("a list of {} to {} objects", fewest, most));
  }
  for (std::size_t i = 0; i < value->size(); ++i) {
    const std::string name = fmt::format("{}[{}]", field, i);
    const json& item = (*value)[i];
    if (!item.is_object()) {
      problem(name, training_job::found(item), "an object");
      continue;
    }
    Fields fields(item, path_of(name), document_);
    use(fields);
    fields.finish();
  }
}

void Fields::each_text(const std::string& field, std::size_t most,
                       const std::function<void(const std::string&, const std::string&)>& use) {
  const json* value = find(field);
  if (value == nullptr) return;
  if (!value->is_object()) return problem(field, training_job::found(*value), "an object of strings");
  if (value->size() > most) return problem(field, fmt::format("{} pairs", value->size()), fmt::format("at most {}", most));
  for (const auto& [key, text] : value->items()) {
    if (!text.is_string()) {
      problem(field + "." + key, training_job::found(text), "a string"
              + (text.is_structured() || text.is_null() ? "" : ": " + json(text.dump()).dump()));
    } else if (text.get_ref<const std::string&>().find('\0') != std::string::npos || key.find('\0') != std::string::npos) {
      problem(field + "." + key, "a zero byte", "text");
    } else {
      use(key, text.get_ref<const std::string&>());
    }
  }
}

void Fields::note(const std::vector<std::string>& fields) {
  for (const std::string& field : fields) {
    if (!has(field) || !document_.noted.insert(field).second) continue;
    document_.log.info("{} has no effect on this machine", path_of(field));
  }
}

void Fields::require(const std::string& field, const std::string& expected) {
  if (!has(field)) problem(field, "nothing", expected);
}

void Fields::finish() {
  for (const auto& [key, value] : object_.items()) {
    if (std::find(asked_.begin(), asked_.end(), key) != asked_.end()) continue;
    std::vector<std::string> known = asked_;
    std::sort(known.begin(), known.end());
    known.erase(std::unique(known.begin(), known.end()), known.end());
    const std::string nearest = did_you_mean(key, known);
    if (document_.lenient) document_.log.warning("{} is not a field of a request and is ignored{}", path_of(key), nearest);
    else say(key, "is not a field of a request" + nearest + "; --lenient ignores such fields");
  }
}

}  // namespace smtrain::run::training_job
