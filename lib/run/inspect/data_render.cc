#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "run/inspect/data_summary.h"
#include "run/console/text_table.h"

namespace smtrain::run {
namespace {

using Json = nlohmann::ordered_json;
using Fields = std::vector<std::pair<std::string, std::string>>;

constexpr std::size_t kColumnsShown = 12, kClassesShown = 10, kWidth = 100;

std::string compression_of(const formats::TableScan& scan) {
  return scan.files.empty() ? "" : scan.files.front().compression;
}

bool is_classes(const formats::LabelStats& label) { return label.stats.integral && !label.counts.empty(); }

const char* label_kind(const formats::LabelStats& label) {
  if (is_classes(label)) return "classes";
  return label.stats.integral ? "integers" : "real numbers";
}

std::string column_name(const DataSummary& summary, std::size_t j) {
  const auto& names = summary.scan.schema->column_names;
  return j < names.size() ? names[j] : std::to_string(j);
}

// ---- text

std::string records_in_words(const formats::TableScan& scan) {
  if (scan.exact && scan.records == scan.records_read) return grouped(scan.records);
  if (scan.exact) return fmt::format("{}, of which {} are sound", grouped(scan.records), grouped(scan.records_read));
  const std::string looked = fmt::format("the first {} were read; --full reads all", grouped(scan.records));
  if (!scan.estimated_records) return fmt::format("{} or more ({})", grouped(scan.records), looked);
  return fmt::format("about {} ({})", grouped(*scan.estimated_records), looked);
}

std::string label_in_words(const formats::LabelStats& label) {
  const formats::ColumnStats& s = label.stats;
  if (!is_classes(label)) {
    return fmt::format("{}, {} to {}, mean {}, std {}", label_kind(label), brief(s.min), brief(s.max), brief(s.mean), brief(s.std));
  }
  std::string text = counted(label.counts.size(), "class");
  std::size_t shown = 0;
  for (const auto& [value, count] : label.counts) {
    if (shown++ == kClassesShown) return text + fmt::format("\n… {} more (--json has them)", label.counts.size() - kClassesShown);
    text += fmt::format("\n{}: {} ({})", brief(value), grouped(count), percent(count, s.values));
  }
  return text;
}

std::string no_labels_in_words(const DataSummary& summary) {
  const bool assumed = summary.type.format == formats::Format::csv && !summary.type.parameters.contains("label_size");
  return assumed ? "none assumed (say --content-type \"text/csv;label_size=1\" if the first column is one)" : "none";
}

std::string values_in_words(const formats::TableScan& scan) {
  const formats::ColumnStats& all = scan.all;
  std::string text = fmt::format("{} to {}, {} zero", brief(all.min), brief(all.max), percent(all.zeros, all.values));
  if (all.integral) text += ", whole numbers";
  if (scan.schema->sparse) text += fmt::format(", {} stored", grouped(scan.stored));
  return text;
}

Fields facts(const DataSummary& summary) {
  const formats::TableScan& scan = summary.scan;
  const std::string compression = compression_of(scan);
  Fields fields{{"format", fmt::format("{}{}{}", formats::words_for(summary.type.format), compression.empty() ? "" : ", ", compression)},
                {"content type", summary.type.to_string() + (summary.type_given ? "" : " (found out)")},
                {"files", scan.files.size() == 1 && summary.bytes > 0
                              ? format_bytes(summary.bytes)
                              : fmt::format("{}, {}", counted(scan.files.size(), "file"), format_bytes(summary.bytes))},
                {"records", records_in_words(scan)}};
  if (!scan.schema) return fields;
  fields.emplace_back("features", fmt::format("{} {}", grouped(scan.schema->feature_dim), scan.schema->sparse ? "sparse" : "dense"));
  if (scan.schema->label_width == 0) fields.emplace_back("labels", no_labels_in_words(summary));
  for (std::size_t i = 0; i < scan.labels.size() && scan.records_read > 0; ++i) {
    fields.emplace_back(scan.labels.size() == 1 ? "label" : fmt::format("label {}", i), label_in_words(scan.labels[i]));
  }
  if (scan.target && scan.target->column) fields.emplace_back("column " + column_name(summary, *scan.target->column), label_in_words(scan.target->label));
  if (scan.schema->weights) fields.emplace_back("weights", "one per record");
  if (scan.schema->qids) fields.emplace_back("query ids", "one per record");
  if (scan.records_read == 0) return fields;
  fields.emplace_back("values", values_in_words(scan));
  fields.emplace_back("missing", scan.all.missing == 0 ? "none" : fmt::format("{} ({})", grouped(scan.all.missing),
                                                                              percent(scan.all.missing, scan.records_read * scan.schema->feature_dim)));
  if (scan.all.infinite > 0) fields.emplace_back("infinite", grouped(scan.all.infinite));
  return fields;
}

std::string target_name(const DataSummary& summary) {
  const auto column = summary.scan.target->column;
  return column ? column_name(summary, *column) : "label";
}

std::string correlation_in_words(double r) { return r == r ? fmt::format("{:+.3f}", r) : "-"; }

// The columns that go with the target most, when there are too many to show all.
std::string strongest_text(const DataSummary& summary) {
  const formats::TargetScan& target = *summary.scan.target;
  std::vector<std::size_t> order;
  for (std::size_t j = 0; j < target.correlations.size(); ++j) {
    if (target.correlations[j] == target.correlations[j] && target.column != j) order.push_back(j);
  }
  const std::size_t shown = std::min(order.size(), kColumnsShown);
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(shown), order.end(), [&](std::size_t a, std::size_t b) {
    const double x = std::fabs(target.correlations[a]), y = std::fabs(target.correlations[b]);
    return x != y ? x > y : a < b;
  });
  std::vector<std::vector<std::string>> rows{{"column", "with " + target_name(summary)}};
  for (std::size_t i = 0; i < shown; ++i) rows.push_back({column_name(summary, order[i]), correlation_in_words(target.correlations[order[i]])});
  return "\nstrongest correlations\n" + text_table(rows, kWidth);
}

std::string columns_text(const DataSummary& summary) {
  const formats::TableScan& scan = summary.scan;
  std::vector<std::vector<std::string>> rows{{"column", "min", "max", "mean", "std", "zero", "missing"}};
  if (scan.target) rows[0].push_back("with " + target_name(summary));
  const std::size_t shown = scan.columns.size() <= kColumnsShown + 1 ? scan.columns.size() : kColumnsShown;
  for (std::size_t j = 0; j < shown; ++j) {
    const formats::ColumnStats& c = scan.columns[j];
    rows.push_back({column_name(summary, j), brief(c.min), brief(c.max), brief(c.mean), brief(c.std),
                    percent(c.zeros, c.values), percent(c.missing, scan.records_read)});
    if (scan.target) rows.back().push_back(correlation_in_words(scan.target->correlations[j]));
  }
  std::string text = text_table(rows, kWidth);
  if (shown < scan.columns.size()) text += fmt::format("… {} more columns (--json has them)\n", grouped(scan.columns.size() - shown));
  if (scan.target && shown < scan.columns.size()) text += strongest_text(summary);
  return text;
}

std::string first_rows_text(const DataSummary& summary) {
  const formats::TableScan& scan = summary.scan;
  std::vector<std::vector<std::string>> rows(1);
  for (std::size_t i = 0; i < scan.labels.size(); ++i) rows[0].push_back(scan.labels.size() == 1 ? "label" : fmt::format("label {}", i));
  // More never fit, and sparse rows may be a million wide.
  const std::size_t columns = std::min<std::size_t>(scan.columns.size(), kWidth / 3);
  for (std::size_t j = 0; j < columns; ++j) rows[0].push_back(column_name(summary, j));
  for (std::size_t i = 0; i < scan.rows.size(); ++i) {
    std::vector<std::string>& row = rows.emplace_back();
    for (const float value : scan.row_labels[i]) row.push_back(brief(value));
    for (std::size_t j = 0; j < columns; ++j) row.push_back(brief(scan.rows[i][j]));
  }
  std::size_t left_out = 0;
  std::string text = text_table(rows, kWidth, &left_out);
  left_out += scan.columns.size() - columns;
  if (left_out > 0) text += fmt::format("… {} more columns\n", grouped(left_out));
  return text;
}

std::string list_of(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += "  " + line + "\n";
  return text;
}

// ---- JSON

Json number(double value) { return value - value == 0 ? Json(value) : Json(nullptr); }
// The double that prints as the float does: 0.1, not 0.10000000149011612.
Json number(float value) { return value - value == 0 ? Json::parse(format_number(value)) : Json(nullptr); }

Json stats_json(const formats::ColumnStats& s) {
  Json json;
  json["min"] = s.values > 0 ? number(s.min) : Json(nullptr);
  json["max"] = s.values > 0 ? number(s.max) : Json(nullptr);
  json["mean"] = s.values > 0 ? number(s.mean) : Json(nullptr);
  json["std"] = s.values > 1 ? number(s.std) : Json(nullptr);
  json["values"] = s.values;
  json["zeros"] = s.zeros;
  json["missing"] = s.missing;
  json["infinite"] = s.infinite;
  json["integral"] = s.integral;
  return json;
}

Json label_json(const formats::LabelStats& label) {
  Json json{{"kind", label_kind(label)}};
  json.update(stats_json(label.stats));
  if (!is_classes(label)) return json;
  json["classes"] = Json::array();
  for (const auto& [value, count] : label.counts) json["classes"].push_back({{"value", number(value)}, {"count", count}});
  return json;
}

Json rows_json(const std::vector<std::vector<float>>& rows) {
  Json json = Json::array();
  for (const std::vector<float>& row : rows) {
    Json& values = json.emplace_back(Json::array());
    for (const float value : row) values.push_back(number(value));
  }
  return json;
}

Json files_json(const formats::TableScan& scan) {
  Json json = Json::array();
  for (const formats::FileScan& file : scan.files) {
    json.push_back({{"name", file.file.name},
                    {"bytes", file.file.size ? Json(*file.file.size) : Json(nullptr)},
                    {"records_read", file.records},
                    {"complete", file.complete}});
  }
  return json;
}

Json records_json(const formats::TableScan& scan) {
  const bool known = scan.exact || scan.estimated_records;
  return {{"count", known ? Json(scan.exact ? scan.records : *scan.estimated_records) : Json(nullptr)},
          {"exact", scan.exact},
          {"read", scan.records},
          {"in_statistics", scan.records_read}};
}

void add_table(Json& json, const DataSummary& summary) {
  const formats::TableScan& scan = summary.scan;
  json["feature_dim"] = scan.schema->feature_dim;
  json["sparse"] = scan.schema->sparse;
  json["label_width"] = scan.schema->label_width;
  json["weights"] = scan.schema->weights;
  json["qids"] = scan.schema->qids;
  json["features"] = stats_json(scan.all);
  json["stored"] = scan.stored;
  json["columns"] = Json::array();
  for (std::size_t j = 0; j < scan.columns.size(); ++j) {
    Json column{{"index", j}};
    if (j < scan.schema->column_names.size()) column["name"] = scan.schema->column_names[j];
    column.update(stats_json(scan.columns[j]));
    if (scan.target) column["correlation"] = number(scan.target->correlations[j]);
    json["columns"].push_back(std::move(column));
  }
  json["labels"] = Json::array();
  for (const formats::LabelStats& label : scan.labels) json["labels"].push_back(label_json(label));
  if (scan.target) {
    json["target"] = {{"column", scan.target->column ? Json(*scan.target->column) : Json(nullptr)}};
    json["target"].update(label_json(scan.target->label));
  }
  json["first_rows"] = rows_json(scan.rows);
  json["first_labels"] = rows_json(scan.row_labels);
}

}  // namespace

std::string data_text(const DataSummary& summary) {
  const formats::TableScan& scan = summary.scan;
  std::string text = summary.path + "\n\n" + text_fields(facts(summary));
  if (!scan.columns.empty() && scan.records_read > 0) text += "\n" + columns_text(summary);
  if (!scan.rows.empty() && !scan.columns.empty()) text += "\nfirst records\n" + first_rows_text(summary);
  if (!scan.problems.empty()) text += "\nwhat is wrong\n" + list_of(scan.problems);
  if (scan.more_problems) text += "  … and more\n";
  if (!summary.notes.empty()) text += "\nnotes\n" + list_of(summary.notes);
  return text + fits_text(summary.algorithms);
}

std::string data_json(const DataSummary& summary) {
  const formats::TableScan& scan = summary.scan;
  Json json{{"schema", 1},
            {"kind", "data"},
            {"path", summary.path},
            {"format", formats::mime_type(summary.type.format)},
            {"content_type", summary.type.to_string()},
            {"content_type_given", summary.type_given},
            {"compression", compression_of(scan)},
            {"bytes", summary.bytes},
            {"files", files_json(scan)},
            {"records", records_json(scan)}};
  if (scan.schema) add_table(json, summary);
  json["problems"] = scan.problems;
  json["more_problems"] = scan.more_problems;
  json["notes"] = summary.notes;
  json["algorithms"] = fits_json(summary.algorithms);
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace smtrain::run
