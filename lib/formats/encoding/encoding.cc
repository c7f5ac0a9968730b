#include "formats/encoding/encoding.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/text.h"
#include "formats/text/field_number.h"

namespace smtrain::formats {
namespace {

using nlohmann::ordered_json;

constexpr int kVersion = 1;
constexpr std::size_t kSparseWidth = 256;

constexpr std::pair<ColumnUse, const char*> kUses[] = {
    {ColumnUse::number, "number"}, {ColumnUse::one_hot, "one-hot"}, {ColumnUse::ordinal, "ordinal"}};
constexpr std::pair<MissingRule, const char*> kRules[] = {
    {MissingRule::refuse, "refuse"}, {MissingRule::drop, "drop"}, {MissingRule::fill, "fill"}, {MissingRule::keep, "nan"}};

template <class E, std::size_t N>
const char* word_for(const std::pair<E, const char*> (&words)[N], E value) {
  return std::find_if(words, words + N, [&](const auto& w) { return w.first == value; })->second;
}

template <class E, std::size_t N>
E value_of(const std::pair<E, const char*> (&words)[N], const std::string& word, const char* member) {
  const auto found = std::find_if(words, words + N, [&](const auto& w) { return word == w.second; });
  if (found == words + N) throw user_error("{} is {}", member, smtrain::quoted(word));
  return found->first;
}

ordered_json json_of(const ColumnEncoding& column) {
  ordered_json json = {{"name", column.name}, {"column", column.column}, {"use", word_for(kUses, column.use)}};
  if (column.use != ColumnUse::number) json["categories"] = column.categories;
  json["missing"] = word_for(kRules, column.missing);
  if (column.missing == MissingRule::fill && column.use == ColumnUse::number) {
    json["fill"] = column.fill;
    if (!column.fill_by.empty()) json["fill_by"] = column.fill_by;
  }
  if (column.indicator) json["indicator"] = true;
  return json;
}

ColumnEncoding column_of(const ordered_json& json, std::size_t columns) {
  ColumnEncoding column;
  column.name = json.at("name").get<std::string>();
  column.column = json.at("column").get<std::size_t>();
  if (column.column >= columns) throw user_error("column {} of {}", column.column, columns);
  column.use = value_of(kUses, json.at("use").get<std::string>(), "use");
  if (column.use != ColumnUse::number) column.categories = json.at("categories").get<std::vector<std::string>>();
  column.missing = value_of(kRules, json.at("missing").get<std::string>(), "missing");
  column.fill = json.value("fill", 0.0);
  column.fill_by = json.value("fill_by", "");
  column.indicator = json.value("indicator", false);
  return column;
}

Encoding read(const ordered_json& json) {
  if (json.at("smtrain_encoding").get<int>() != kVersion) {
    throw user_error("smtrain_encoding is {}; this version reads {}", json.at("smtrain_encoding").dump(), kVersion);
  }
  Encoding encoding;
  encoding.header = json.at("header").get<bool>();
  encoding.columns = json.at("columns").get<std::size_t>();
  encoding.missing_texts = json.at("missing_texts").get<std::vector<std::string>>();
  if (json.contains("label")) encoding.label = column_of(json.at("label"), encoding.columns);
  for (const ordered_json& feature : json.at("features")) encoding.features.push_back(column_of(feature, encoding.columns));
  if (encoding.width() == 0) throw user_error("it has no features");
  return encoding;
}

}  // namespace

std::size_t Encoding::width() const {
  std::size_t width = 0;
  for (const ColumnEncoding& column : features) width += column.width();
  return width;
}

std::vector<std::string> Encoding::feature_names() const {
  std::vector<std::string> names;
  for (const ColumnEncoding& column : features) {
    if (column.use == ColumnUse::one_hot) {
      for (const std::string& category : column.categories) names.push_back(column.name + "=" + category);
    } else {
      names.push_back(column.name);
    }
    if (column.indicator) names.push_back(column.name + "=missing");
  }
  return names;
}

bool Encoding::sparse() const {
  std::size_t one_hot = 0;
  for (const ColumnEncoding& column : features) one_hot += column.use == ColumnUse::one_hot ? column.width() : 0;
  return width() > kSparseWidth && one_hot * 4 >= width() * 3;
}

std::string canonical_category(std::string_view text) {
  const std::optional<double> number = field_number(text);
  return number ? fmt::format("{}", *number == 0 ? 0.0 : *number) : std::string(text);
}

bool always_missing(std::string_view text) {
  if (text.size() > 4) return false;
  for (const std::string_view missing : {"", "NA", "N/A", "NaN", "nan", "null", "NULL"}) {
    if (text == missing) return true;
  }
  return false;
}

std::string encoding_to_json(const Encoding& encoding) {
  ordered_json json = {{"smtrain_encoding", kVersion}, {"header", encoding.header}, {"columns", encoding.columns},
                       {"missing_texts", encoding.missing_texts}};
  if (encoding.label) json["label"] = json_of(*encoding.label);
  json["features"] = ordered_json::array();
  for (const ColumnEncoding& column : encoding.features) json["features"].push_back(json_of(column));
  return json.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

Encoding encoding_from_json(const std::string& text, const std::string& source) {
  try {
    return read(ordered_json::parse(text));
  } catch (const ordered_json::exception& e) {
    throw user_error("{}: is no encoding that smtrain convert has saved: {}", source, e.what());
  } catch (const Error& e) {
    throw user_error("{}: is no encoding that smtrain convert has saved: {}", source, e.what());
  }
}

}  // namespace smtrain::formats
