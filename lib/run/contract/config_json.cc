#include "run/contract/config_json.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

namespace smtrain::run::contract {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFile = std::size_t{1} << 20;
constexpr int kMaxDepth = 32;  // what is nested deeper than any configuration is no configuration

[[noreturn]] void refuse_syntax(const std::string& name, std::string_view text, std::size_t position) {
  const std::string_view before = text.substr(0, std::min(position, text.size()));
  const std::size_t newline = before.rfind('\n');
  const std::size_t start = newline == std::string_view::npos ? 0 : newline + 1;
  throw user_error("{}:{}: not valid JSON at column {}; expected one object such as {{\"name\": \"value\"}}", name,
                   std::count(before.begin(), before.end(), '\n') + 1, std::max<std::size_t>(before.size() - start, 1));
}

// Watches the parser: depth, and keys of the outer object that come twice, of which it would keep the last in silence.
class Watch {
 public:
  explicit Watch(const std::string& name) : name_(name) {}
  bool operator()(int depth, Json::parse_event_t event, const Json& value) {
    if (depth > kMaxDepth) throw user_error("{}: nested more than {} levels deep", name_, kMaxDepth);
    if (event == Json::parse_event_t::key && depth == 1 && !keys_.insert(value.get<std::string>()).second)
      throw user_error("{}: {} is given twice", name_, smtrain::quoted(value.get<std::string>()));
    return true;
  }

 private:
  const std::string& name_;
  std::set<std::string> keys_;
};

}  // namespace

std::optional<Json> read_object(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error)) return std::nullopt;
  const std::string name = path.string(), text = read_file(path, kMaxFile);
  try {
    Json object = Json::parse(text, Watch(name));
    if (!object.is_object())
      throw user_error("{}: expected one JSON object such as {{\"name\": \"value\"}}, found {}", name, kind_of(object));
    return object;
  } catch (const Json::parse_error& e) {
    refuse_syntax(name, text, e.byte);
  } catch (const Json::exception&) {  // a number that no double holds
    throw user_error("{}: holds a number that is out of range; write it as a string", name);
  }
}

fs::path first_present(const std::vector<fs::path>& paths) {
  std::error_code error;
  for (const fs::path& path : paths)
    if (fs::exists(path, error)) return path;
  return paths.front();
}

const Json* find(const Json& object, const char* key) {
  const auto at = object.find(key);
  return at == object.end() || at->is_null() ? nullptr : &*at;
}

std::string text_at(const Json& value, const Place& place) {
  if (!value.is_string()) throw user_error("{}: expected a string, found {}", place.text, kind_of(value));
  return value.get<std::string>();
}

std::vector<std::string> texts_at(const Json& value, const Place& place) {
  if (!value.is_array()) throw user_error("{}: expected a list of strings, found {}", place.text, kind_of(value));
  std::vector<std::string> texts;
  for (const Json& item : value) texts.push_back(text_at(item, place));
  return texts;
}

void expect_object(const Json& value, const Place& place) {
  if (!value.is_object()) throw user_error("{}: expected an object, found {}", place.text, kind_of(value));
}

const char* kind_of(const Json& value) {
  switch (value.type()) {
    case Json::value_t::object: return "an object";
    case Json::value_t::array: return "a list";
    case Json::value_t::string: return "a string";
    case Json::value_t::boolean: return "a boolean";
    case Json::value_t::null: return "null";
    default: return "a number";
  }
}

void write_object(const fs::path& path, const Json& object) {
  AtomicFile file(path);
  file.write(object.dump(2) + "\n");
  file.commit();
}

}  // namespace smtrain::run::contract
