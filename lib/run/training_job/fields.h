// Fields of a JSON document with their places: each is asked for by name, type and limits; what was not asked for is unknown.
// Private to this folder.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/log.h"
#include "run/problems.h"

namespace smtrain::run::training_job {

inline constexpr std::int64_t kAnyInteger = std::numeric_limits<std::int64_t>::max();

/// What the fields of one document share.
struct Document {
  std::string name;  ///< for messages
  bool lenient = false;
  Problems& problems;
  Log& log;
  std::set<std::string> noted;
};

/// Parses JSON text; refuses doubled keys and anything but an object at the top, with line and column.
nlohmann::json parse_document(std::string_view text, const std::string& name);

/// One object of the document. Every question adds its problem, if any, and answers nullopt then.
class Fields {
 public:
  Fields(const nlohmann::json& object, std::string place, Document& document) : object_(object), place_(std::move(place)),
      document_(document) {}

  bool has(const std::string& field);
  /// Whether the field is an object that holds the key; asks for nothing.
  bool holds(const std::string& field, const std::string& key) const;
  std::optional<std::string> text(const std::string& field, std::size_t shortest, std::size_t longest);
  std::optional<std::int64_t> integer(const std::string& field, std::int64_t least, std::int64_t most);
  std::optional<bool> boolean(const std::string& field);
  /// The index of the value in `values`.
  std::optional<std::size_t> choice(const std::string& field, const std::vector<std::string>& values);
  std::optional<Fields> object(const std::string& field);
  /// The elements, when there are `fewest` to `most` of them.
  std::vector<std::string> texts(const std::string& field, std::size_t fewest, std::size_t most, std::size_t shortest,
                                 std::size_t longest);
  void each_object(const std::string& field, std::size_t fewest, std::size_t most, const std::function<void(Fields&)>& use);
  /// Pairs of an object whose values are strings.
  void each_text(const std::string& field, std::size_t most,
                 const std::function<void(const std::string& key, const std::string& value)>& use);
  /// Accepted, logged once as without effect.
  void note(const std::vector<std::string>& fields);
  /// Adds a problem for a field that must be there and is not.
  void require(const std::string& field, const std::string& expected);
  /// Refuses (or notes) all fields that nobody asked for.
  void finish();

  /// "job.json: InputDataConfig[0].ChannelName"
  std::string place(const std::string& field) const;
  void problem(const std::string& field, const std::string& found, const std::string& expected);
  /// A problem in words of its own.
  void say(const std::string& field, const std::string& message);
  Problems& problems() { return document_.problems; }

 private:
  const nlohmann::json* find(const std::string& field);
  std::string path_of(const std::string& field) const;

  const nlohmann::json& object_;
  std::string place_;
  Document& document_;
  std::vector<std::string> asked_;
};

/// Unicode characters of UTF-8 text.
std::size_t characters(std::string_view text);

}  // namespace smtrain::run::training_job
