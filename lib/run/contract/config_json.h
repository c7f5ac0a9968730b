// One JSON object from a file nobody has checked, and the values of its keys; messages name both.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smtrain::run::contract {

using Json = nlohmann::ordered_json;

/// The object in `path`; nullopt when there is no such file. Throws a user Error for anything but one JSON object: a syntax
/// error with line and column, a key given twice, nesting beyond 32 levels, a file over 1 MiB.
std::optional<Json> read_object(const std::filesystem::path& path);

/// The first of the paths at which there is a file; the first when there is none.
std::filesystem::path first_present(const std::vector<std::filesystem::path>& paths);

/// A place in a file: "FILE: train: ContentType".
struct Place {
  std::string text;
  Place operator/(std::string_view key) const { return {text + ": " + std::string(key)}; }
};

/// The member of that key; nullptr when it is absent or null.
const Json* find(const Json& object, const char* key);

/// The value as text, or as a list of texts; a user Error at any other kind of value.
std::string text_at(const Json& value, const Place& place);
std::vector<std::string> texts_at(const Json& value, const Place& place);
/// Throws unless `value` is an object.
void expect_object(const Json& value, const Place& place);

/// What kind of value it is, for messages: "a number".
const char* kind_of(const Json& value);

/// Writes the object whole or not at all, indented, with a newline at the end.
void write_object(const std::filesystem::path& path, const Json& object);

}  // namespace smtrain::run::contract
