#include "job/manifest.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/text.h"

namespace smtrain::job {
namespace {

using nlohmann::json;
using Texts = std::map<std::string, std::string>;

constexpr auto kReplace = json::error_handler_t::replace;

std::string compact(const json& value) { return value.dump(-1, ' ', false, kReplace); }

json number(double value) { return std::isfinite(value) ? json(value) : json(format_number(value)); }

/// As JSON where reading gives the very text back.
json embedded(const std::string& text) {
  json value = json::parse(text, nullptr, false);
  if (value.is_discarded() || value.is_string() || compact(value) != text) return text;
  return value;
}

class Fields {
 public:
  Fields(const json& object, const std::string& name) : object_(object), name_(name) {}

  void read(const char* key, std::string& into) const {
    const json* value = find(key);
    if (value == nullptr) return;
    if (!value->is_string()) throw wrong(key, *value, "a string");
    into = value->get<std::string>();
  }
  void read(const char* key, std::int64_t& into) const {
    const json* value = find(key);
    if (value == nullptr) return;
    if (!value->is_number_integer()) throw wrong(key, *value, "a whole number");
    into = value->get<std::int64_t>();
  }
  void read(const char* key, Texts& into) const {
    for (const auto& [field, value] : object(key).items()) {
      into[field] = value.is_string() ? value.get<std::string>() : compact(value);
    }
  }
  void read(const char* key, std::map<std::string, double>& into) const {
    for (const auto& [field, value] : object(key).items()) into[field] = real(field, value);
  }

 private:
  const json* find(const char* key) const {
    const auto place = object_.find(key);
    return place == object_.end() ? nullptr : &*place;
  }

  const json& object(const char* key) const {
    const json* value = find(key);
    if (value == nullptr) return none_;
    if (!value->is_object()) throw wrong(key, *value, "an object");
    return *value;
  }

  double real(const std::string& key, const json& value) const {
    if (value.is_number()) return value.get<double>();
    if (value == "nan") return std::numeric_limits<double>::quiet_NaN();
    if (value == "inf") return std::numeric_limits<double>::infinity();
    if (value == "-inf") return -std::numeric_limits<double>::infinity();
    throw wrong(key, value, "a number");
  }

  [[nodiscard]] Error wrong(const std::string& key, const json& value, std::string_view expected) const {
    return user_error("{}: {} is {}; expected {}", name_, smtrain::quoted(key), smtrain::quoted(compact(value)), expected);
  }

  const json none_ = json::object();
  const json& object_;
  const std::string& name_;
};

}  // namespace

std::string write_manifest(const Manifest& manifest) {
  json metrics = json::object();
  for (const auto& [name, value] : manifest.metrics) metrics[name] = number(value);
  json data = json::object();
  for (const auto& [name, text] : manifest.data) data[name] = embedded(text);
  const json out = {{"algorithm", manifest.algorithm},
                    {"smtrain_version", manifest.smtrain_version},
                    {"format_version", manifest.format_version},
                    {"hyperparameters", manifest.hyperparameters},
                    {"given", manifest.given},
                    {"metrics", metrics},
                    {"data", data},
                    {"build", manifest.build}};
  return out.dump(2, ' ', false, kReplace) + "\n";
}

Manifest read_manifest(std::string_view text, const std::string& name) {
  json object;
  try {
    object = json::parse(text);
  } catch (const json::parse_error& error) {
    throw user_error("{}: broken JSON at byte {}", name, error.byte);
  }
  if (!object.is_object()) throw user_error("{}: not a JSON object", name);
  const Fields fields(object, name);
  Manifest out;
  fields.read("format_version", out.format_version);
  if (out.format_version > kFormatVersion || out.format_version < 1) {
    throw user_error("{}: format version {}; this smtrain reads versions up to {}; use a newer one", name, out.format_version,
                     kFormatVersion);
  }
  fields.read("algorithm", out.algorithm);
  fields.read("smtrain_version", out.smtrain_version);
  fields.read("hyperparameters", out.hyperparameters);
  fields.read("given", out.given);
  fields.read("metrics", out.metrics);
  fields.read("data", out.data);
  fields.read("build", out.build);
  return out;
}

}  // namespace smtrain::job
