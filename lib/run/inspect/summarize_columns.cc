#include "run/inspect/summarize_columns.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/shell_word.h"
#include "base/text.h"
#include "formats/encoding/encoding.h"
#include "formats/text/column_list.h"
#include "formats/text/csv_records.h"
#include "formats/text/field_number.h"
#include "run/console/text_table.h"
#include "run/input_type.h"
#include "run/inspect/field_stats.h"
#include "run/inspect/reading.h"

namespace smtrain::run {
namespace {

using formats::CsvRecord;
using formats::CsvRecords;
using Json = nlohmann::ordered_json;
using Kind = FieldStats::Kind;

constexpr std::size_t kRecordsThatTell = 1000, kValuesShown = 3, kFirstWidth = 96;

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::empty: return "empty";
    case Kind::numbers: return "numbers";
    case Kind::dates: return "dates";
    default: return "text";
  }
}

bool is_columnar(const formats::ContentType& type) {
  return type.format == formats::Format::csv || type.format == formats::Format::parquet;
}

std::string in_one_line(std::string_view text, std::size_t most = std::string_view::npos) {
  std::string line(text.substr(0, most));
  std::replace_if(line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return line + (text.size() > most ? "…" : "");
}

formats::BlockTeamOptions one_thread() {
  formats::BlockTeamOptions options;
  options.threads = 1;
  return options;
}

// The columns of the first records.
std::vector<FieldStats> look_ahead(const std::vector<formats::InputFile>& files, const formats::ContentType& type, Log& log) {
  CsvRecords records(files, type, one_thread(), log);
  std::vector<FieldStats> columns(records.columns());
  std::size_t seen = 0;
  const auto look = [&](const formats::RawBlock& block, std::size_t) {
    records.each(block, [&](const CsvRecord& record) {
      if (seen++ >= kRecordsThatTell) return;
      for (std::size_t i = 0; i < columns.size(); ++i) columns[i].add(record.fields[i], nullptr);
    });
  };
  records.round(look);
  return columns;
}

bool is_text(const FieldStats& column) { return 2 * column.texts() > column.values() + column.infinite(); }

// Numbers with blanks between them look like one column of text.
bool has_blank_numbers(const FieldStats& column) {
  return std::any_of(column.categories().begin(), column.categories().end(), [](const auto& category) {
    const std::string_view text = category.first;
    return formats::field_number(text.substr(0, text.find(' '))).has_value();
  });
}

/// The columns as they are gathered.
class Columns {
 public:
  Columns(const InspectRequest& request, Reading& reading)
      : records_(reading.files(), input_type(request.content_type, reading.files()), one_thread(), reading.log()),
        stats_(records_.columns()),
        summary_(reading.summary()) {
    if (!request.label) return;
    label_ = formats::parse_column(*request.label, records_.names(), records_.columns(), "--label");
    NullLog quiet;
    label_is_number_ = !is_text(look_ahead(reading.files(), records_.type(), quiet)[*label_]);
  }

  bool next() {
    return records_.round([&](const formats::RawBlock& block, std::size_t) {
             records_.each(block, [&](const CsvRecord& record) { add(record); });
           }) != 0;
  }
  std::uint64_t consumed() const { return records_.team().bytes_consumed(); }

  void finish(const InspectRequest& request) {
    summary_.facts.push_back(text_fact("content type", records_.type().to_string()));
    summary_.facts.push_back(number_fact("columns", stats_.size()));
    if (label_) summary_.facts.push_back(label_fact());
    summary_.tables.push_back({"columns", table_text(), table_json()});
    if (label_) {
      summary_.notes.push_back(fmt::format("with {}: {}", column_name(*label_),
                                           label_is_number_ ? "Pearson's r of numbers, correlation ratio of classes"
                                                            : "correlation ratio of numbers, Cramer's V of classes"));
    }
    for (std::size_t i = 0; i < stats_.size(); ++i) {
      note_marks(i);
      if (stats_[i].infinite() > 0) summary_.notes.push_back(fmt::format("column {}: {} infinite", column_name(i), grouped(stats_[i].infinite())));
    }
    summary_.notes.push_back(advice(request));
    note_series(request);
  }

 private:
  void add(const CsvRecord& record) {
    LabelField label;
    std::string category;
    if (label_) {
      const std::string_view field = record.fields[*label_];
      label.missing = formats::always_missing(field);
      if (label_is_number_) label.number = formats::field_number(field);
      label.missing |= label_is_number_ && !label.number;
      category = formats::canonical_category(field);
      label.text = category;
    }
    for (std::size_t i = 0; i < stats_.size(); ++i) stats_[i].add(record.fields[i], label_ && i != label_ ? &label : nullptr);
    if (summary_.records++ < Reading::kFirst) keep(record);
  }

  void keep(const CsvRecord& record) {
    std::string text;
    for (std::size_t i = 0; i < record.fields.size(); ++i) text += (i == 0 ? "" : ", ") + in_one_line(record.fields[i]);
    summary_.first.push_back(text.size() <= kFirstWidth ? text : text.substr(0, kFirstWidth - 4) + " …");
  }

  std::string column_name(std::size_t i) const { return records_.names().empty() ? std::to_string(i) : records_.names()[i]; }

  Fact label_fact() const {
    const FieldStats& label = stats_[*label_];
    const std::string name = "label " + column_name(*label_);
    if (label_is_number_ || !label.distinct()) {
      const Moments& m = label.moments();
      return {name, fmt::format("{} to {}, mean {}, std {}", brief(label.min()), brief(label.max()), brief(m.mean), brief(m.std())), "null"};
    }
    return count_fact(name, {label.categories().begin(), label.categories().end()});
  }

  static std::vector<std::pair<std::string, std::uint64_t>> most_frequent(const FieldStats& column) {
    std::vector<std::pair<std::string, std::uint64_t>> values(column.categories().begin(), column.categories().end());
    std::stable_sort(values.begin(), values.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    return values;
  }

  std::string values_in_words(const FieldStats& column) const {
    if (column.kind() == Kind::empty) return "-";
    if (column.kind() == Kind::numbers)
      return fmt::format("{} to {}, mean {}", brief(column.min()), brief(column.max()), brief(column.moments().mean));
    if (!column.distinct()) return "all kinds";
    std::string text;
    const auto values = most_frequent(column);
    for (std::size_t i = 0; i < std::min(values.size(), kValuesShown); ++i)
      text += fmt::format("{}{} {}", i == 0 ? "" : ", ", in_one_line(values[i].first, 20), percent(values[i].second, column.values()));
    return text + (values.size() > kValuesShown ? ", …" : "");
  }

  std::string distinct_in_words(const FieldStats& column) const {
    return column.distinct() ? grouped(*column.distinct()) : "over " + grouped(FieldStats::kMostCategories);
  }

  std::string table_text() const {
    std::vector<std::vector<std::string>> rows{{"column", "kind", "missing", "distinct", "values"}};
    if (label_) rows[0].insert(rows[0].begin() + 4, "with " + column_name(*label_));
    for (std::size_t i = 0; i < stats_.size(); ++i) {
      const FieldStats& c = stats_[i];
      rows.push_back({column_name(i), name_of(c.kind()), percent(c.missing(), c.missing() + c.values()), distinct_in_words(c), values_in_words(c)});
      if (!label_) continue;
      const auto r = i == label_ ? std::nullopt : c.association(label_is_number_);
      rows.back().insert(rows.back().begin() + 4, !r ? "-" : label_is_number_ && c.kind() == Kind::numbers ? fmt::format("{:+.3f}", *r) : fmt::format("{:.3f}", *r));
    }
    return text_table(rows, 140);
  }

  std::string table_json() const {
    Json json = Json::array();
    for (std::size_t i = 0; i < stats_.size(); ++i) {
      const FieldStats& c = stats_[i];
      Json column{{"index", i}};
      if (!records_.names().empty()) column["name"] = records_.names()[i];
      column["kind"] = name_of(c.kind());
      column["values"] = c.values();
      column["missing"] = c.missing();
      column["infinite"] = c.infinite();
      column["distinct"] = c.distinct() ? Json(*c.distinct()) : Json(nullptr);
      if (c.moments().count > 0) {
        column["numbers"] = {{"count", c.moments().count}, {"min", c.min()}, {"max", c.max()}, {"mean", c.moments().mean}, {"std", c.moments().std()}};
      }
      if (c.kind() != Kind::numbers && c.distinct()) {
        column["frequent"] = Json::array();
        const auto values = most_frequent(c);
        for (std::size_t k = 0; k < std::min<std::size_t>(values.size(), 10); ++k) column["frequent"].push_back({{"value", values[k].first}, {"count", values[k].second}});
      }
      if (label_ && i != label_) {
        const auto r = c.association(label_is_number_);
        column["association"] = r ? Json(*r) : Json(nullptr);
      }
      json.push_back(std::move(column));
    }
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
  }

  // What people write for a value that is missing, where other values are written out.
  void note_marks(std::size_t i) const {
    for (const char* mark : {"?", "-", "--", "."}) {
      const auto found = stats_[i].categories().find(std::string_view(mark));
      if (found == stats_[i].categories().end() || stats_[i].categories().size() == 1) continue;
      summary_.notes.push_back(fmt::format("column {}: \"{}\" stands {} times; if it means a missing value, say --missing-text \"{}\" to convert",
                                           column_name(i), mark, grouped(found->second), mark));
    }
  }

  void note_series(const InspectRequest& request) const {
    const auto found = std::find_if(stats_.begin(), stats_.end(), [](const FieldStats& c) { return c.kind() == Kind::dates; });
    if (found == stats_.end()) return;
    summary_.notes.push_back(fmt::format("its dates may make series of it: smtrain convert {} OUT.jsonl --to deepar --time {} --value COLUMN", shell_word(request.path),
                                         shell_word(column_name(static_cast<std::size_t>(found - stats_.begin())))));
  }

  // The command that makes a table of numbers.
  std::string advice(const InspectRequest& request) const {
    std::string dropped;
    bool missing = false, features = false;
    for (std::size_t i = 0; i < stats_.size(); ++i) {
      const FieldStats& c = stats_[i];
      if (i == label_) continue;
      missing |= c.missing() > 0;
      // A category of its own for each record says nothing.
      const bool useless = c.kind() == Kind::dates || c.kind() == Kind::empty || (c.kind() == Kind::texts && !c.distinct());
      features |= !useless;
      if (useless) dropped += (dropped.empty() ? "" : ",") + column_name(i);
    }
    if (!features) return "no algorithm takes it as it is, and no column would make a feature";
    return fmt::format("no algorithm takes it as it is: columns hold text; smtrain convert {} OUT.pbr --label {} --one-hot all{}{} makes a table of numbers",
                       shell_word(request.path), request.label ? shell_word(*request.label) : "COLUMN",
                       dropped.empty() ? "" : " --drop " + shell_word(dropped), missing ? " --missing median+indicator" : "");
  }

  CsvRecords records_;
  std::vector<FieldStats> stats_;
  RecordSummary& summary_;
  std::optional<std::size_t> label_;
  bool label_is_number_ = false;
};

}  // namespace

bool has_text_columns(const InspectRequest& request) {
  try {
    const std::vector<formats::InputFile> files = formats::expand_path(request.path);
    const formats::ContentType type = input_type(request.content_type, files);
    if (!is_columnar(type) || !files.front().rewindable) return false;
    NullLog quiet;
    const std::vector<FieldStats> columns = look_ahead({files.front()}, type, quiet);
    return std::any_of(columns.begin(), columns.end(), is_text) && !(columns.size() == 1 && has_blank_numbers(columns[0]));
  } catch (const Error&) {
    return false;
  }
}

RecordSummary summarize_columns(const InspectRequest& request) {
  Reading reading(request, DataKind::table, formats::expand_path(request.path));
  reading.summary().words = "a table with columns of text";
  Columns columns(request, reading);
  reading.read([&] { return columns.next(); }, [&] { return columns.consumed(); });
  columns.finish(request);
  return std::move(reading.summary());
}

}  // namespace smtrain::run
