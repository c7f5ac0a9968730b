#include "run/inspect/record_summary.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "run/console/text_table.h"

namespace smtrain::run {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kCountsShown = 10;

std::string records_in_words(const RecordSummary& s) {
  if (s.exact) return grouped(s.records);
  if (s.spread) return fmt::format("{} ({} of them, here and there, were looked at; --full looks at all)", grouped(*s.estimated_records), grouped(s.records));
  if (!s.problems.empty()) return fmt::format("{} or more (what is wrong ended the reading)", grouped(s.records));
  const std::string looked = fmt::format("the first {} were read; --full reads all", grouped(s.records));
  return s.estimated_records ? fmt::format("about {} ({})", grouped(*s.estimated_records), looked)
                             : fmt::format("{} or more ({})", grouped(s.records), looked);
}

std::string list_of(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += "  " + line + "\n";
  return text;
}

std::string member_name(std::string name) {
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

}  // namespace

Fact number_fact(std::string name, std::uint64_t value) { return {std::move(name), grouped(value), std::to_string(value)}; }

Fact text_fact(std::string name, const std::string& value) { return {std::move(name), value, json_quoted(value)}; }

Fact count_fact(std::string name, const std::map<std::string, std::uint64_t>& counts) {
  std::vector<std::pair<std::string, std::uint64_t>> order(counts.begin(), counts.end());
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::uint64_t all = 0;
  for (const auto& [value, count] : order) all += count;
  std::string text, json;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto& [value, count] = order[i];
    if (i < kCountsShown) text += fmt::format("{}{}: {} ({})", i == 0 ? "" : "\n", value, grouped(count), percent(count, all));
    if (i == kCountsShown) text += fmt::format("\n… {} more (--json has them)", order.size() - kCountsShown);
    json += fmt::format("{}{}:{}", i == 0 ? "" : ",", json_quoted(value), count);
  }
  return {std::move(name), text.empty() ? "none" : text, "{" + json + "}"};
}

void Range::add(double value) {
  min_ = count_ == 0 ? value : std::min(min_, value);
  max_ = count_ == 0 ? value : std::max(max_, value);
  sum_ += value;
  ++count_;
}

Fact Range::fact(std::string name) const {
  if (count_ == 0) return {std::move(name), "none", "null"};
  const double mean = sum_ / static_cast<double>(count_);
  const std::string text = min_ == max_ ? brief(min_) : fmt::format("{} to {}, mean {}", brief(min_), brief(max_), brief(mean));
  return {std::move(name), text, Json{{"min", min_}, {"mean", mean}, {"max", max_}}.dump()};
}

std::string records_text(const RecordSummary& s) {
  std::vector<std::pair<std::string, std::string>> fields{
      {"what", s.words + (s.compression.empty() ? "" : ", " + s.compression)},
      {"files", s.files == 1 ? format_bytes(s.bytes) : fmt::format("{}, {}", counted(s.files, "file"), format_bytes(s.bytes))},
      {"records", records_in_words(s)}};
  for (const Fact& fact : s.facts) fields.emplace_back(fact.name, fact.text);
  std::string text = s.path + "\n\n" + text_fields(fields);
  for (const Fact& table : s.tables) text += "\n" + table.name + "\n" + table.text;
  if (!s.first.empty()) text += fmt::format("\n{} records\n", s.spread ? "some" : "first") + list_of(s.first);
  if (!s.problems.empty()) text += "\nwhat is wrong\n" + list_of(s.problems);
  if (s.more_problems) text += "  … and more\n";
  if (!s.notes.empty()) text += "\nnotes\n" + list_of(s.notes);
  return text + fits_text(s.algorithms);
}

std::string records_json(const RecordSummary& s) {
  Json json{{"schema", 1}, {"kind", "records"}, {"path", s.path}, {"data", s.kind}, {"compression", s.compression}, {"files", s.files},
            {"bytes", s.bytes}};
  const bool known = s.exact || s.estimated_records;
  json["records"] = {{"count", known ? Json(s.exact ? s.records : *s.estimated_records) : Json(nullptr)},
                     {"exact", s.exact},
                     {"read", s.records}};
  for (const Fact& fact : s.facts) json[member_name(fact.name)] = Json::parse(fact.json);
  for (const Fact& table : s.tables) json[member_name(table.name)] = Json::parse(table.json);
  json["first"] = s.first;
  json["problems"] = s.problems;
  json["more_problems"] = s.more_problems;
  json["notes"] = s.notes;
  json["algorithms"] = fits_json(s.algorithms);
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace smtrain::run
