#include "formats/json/json_parser.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/text.h"
#include "formats/json/json_row.h"
#include "formats/text/lines.h"
#include "formats/text/number.h"

namespace smtrain::formats {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;

constexpr const char* kDocumentForm = R"({"instances":[{"features":[1.5,16]}]})";

[[noreturn]] void rethrow_with_place(const Error& e, const std::string& where) {
  throw Error(e.fault(), fmt::format("{}: {}", where, e.what()));
}

std::string_view text_of(std::span<const char> bytes) { return {bytes.data(), bytes.size()}; }

// Parses a text that is followed by `behind` readable bytes: simdjson reads a little beyond the end and copies where it may
// not.
element parse_text(simdjson::dom::parser& parser, std::string_view text, std::size_t behind) {
  if (text.empty()) throw user_error("found nothing, expected an object such as {}", R"({"features":[1.5,16]})");
  element root;
  const simdjson::error_code error = parser.parse(text.data(), text.size(), behind < simdjson::SIMDJSON_PADDING).get(root);
  if (error != simdjson::SUCCESS) {
    throw user_error("not valid JSON: {} ({})", quoted(text), to_lower(simdjson::error_message(error)));
  }
  return root;
}

// The documentation shows commas between lines in two examples.
bool drop_comma(std::string_view& line) {
  if (!line.ends_with(',')) return false;
  line = trim(line.substr(0, line.size() - 1));
  return true;
}

array instances_of(element root) {
  simdjson::dom::object document;
  if (root.get(document) != simdjson::SUCCESS) {
    throw user_error("found {}, expected a document such as {}", describe_json(root), kDocumentForm);
  }
  element instances;
  if (document["instances"].get(instances) != simdjson::SUCCESS) {
    throw user_error("no member \"instances\", expected a document such as {}; for one object per line say "
                     "application/jsonlines",
                     kDocumentForm);
  }
  array list;
  if (instances.get(list) != simdjson::SUCCESS) {
    throw user_error("instances: found {}, expected a list as in {}", describe_json(instances), kDocumentForm);
  }
  return list;
}

std::string instance_place(const std::string& source, std::uint64_t instance) {
  return fmt::format("{}: instance {}", source, instance);
}

// Length of the JSON object that begins at text[0], 0 when it does not end in `text`.
std::size_t object_length(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      else if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && --depth == 0) {
      return i + 1;
    }
  }
  return 0;
}

// The first instance of a document of which only the beginning is there; empty when it cannot be told.
std::string_view first_instance(std::string_view head) {
  const std::size_t key = head.find("\"instances\"");
  if (key == std::string_view::npos) return {};
  const std::size_t begin = head.find_first_not_of(" \t\r\n:[", key + std::strlen("\"instances\""));
  if (begin == std::string_view::npos || head[begin] != '{') return {};
  return head.substr(begin, object_length(head.substr(begin)));
}

element first_element(simdjson::dom::parser& parser, std::string_view head) {
  element root;
  // A head that does not parse may be the beginning of a good document; cut() judges the whole.
  if (head.empty() || parser.parse(head.data(), head.size()).get(root) != simdjson::SUCCESS) {
    const std::string_view instance = first_instance(head);
    return parse_text(parser, instance.empty() ? head : instance, 0);
  }
  const array instances = instances_of(root);
  if (instances.begin() == instances.end()) throw user_error("instances: an empty list, expected at least one instance");
  return *instances.begin();
}

}  // namespace

JsonTableParser::JsonTableParser(const TableOptions& options) : options_(options), label_size_(options.type.integer("label_size")) {
  if (label_size_ && *label_size_ < 0) throw user_error("content type parameter label_size={}: expected 0 or more", *label_size_);
}

void JsonTableParser::warn_of_parameters(Log& log) const {
  const std::vector<std::string> known = {"label_size", "weights", "qid", "encoding", "charset", "verbose", "annotation", "infer_max_seqlens"};
  for (const auto& [name, value] : options_.type.parameters) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    log.warning("content type parameter {}={} is not known and ignored{}", name, smtrain::quoted(value), did_you_mean(name, known));
  }
}

TableSchema JsonTableParser::settle(const JsonRow& first) {
  if (options_.feature_dim != 0) check_row_width(first.shape, "features", options_.feature_dim, true);
  schema_.feature_dim = checked_feature_dim(first.shape, "features");
  schema_.sparse = first.shape.sparse;
  const bool labels_asked = label_size_ ? *label_size_ > 0 : options_.supervised;
  if (labels_asked && first.labels.empty()) {
    throw user_error("{}, expected a number or a list of numbers in every instance",
                     first.not_read.starts_with("label") ? first.not_read : std::string("label: no such member"));
  }
  schema_.label_width = label_size_ == 0 ? 0 : first.labels.size();
  if (labels_asked && label_size_ && static_cast<std::size_t>(*label_size_) != first.labels.size()) {
    throw user_error("label: found {} numbers, expected {} as label_size says", first.labels.size(), *label_size_);
  }
  schema_.weights = options_.type.boolean("weights").value_or(first.weight.has_value());
  schema_.qids = options_.type.boolean("qid").value_or(first.qid.has_value());
  check(first);
  return schema_;
}

void JsonTableParser::check(const JsonRow& row) const {
  check_row_width(row.shape, "features", schema_.feature_dim, options_.feature_dim != 0);
  const auto refuse = [&](std::string_view member, std::string_view found, std::string_view expected, std::string_view leave_out) {
    throw user_error("{}, expected {} as in the first instance; {} in the content type leaves it out",
                     row.not_read.starts_with(member) ? row.not_read : fmt::format("{}: {}", member, found), expected, leave_out);
  };
  if (schema_.label_width != 0 && row.labels.size() != schema_.label_width) {
    refuse("label", row.labels.empty() ? std::string("no such member") : "found " + counted(row.labels.size(), "number"),
           counted(schema_.label_width, "number"), ";label_size=0");
  }
  if (schema_.weights && !row.weight) refuse("weight", "no such member", "a number", ";weights=0");
  if (schema_.weights && *row.weight < 0) throw user_error("weight: found {}, expected a number of at least 0", *row.weight);
  if (schema_.qids && !row.qid) refuse("qid", "no such member", "an integer of at least 0", ";qid=0");
}

void JsonTableParser::parse_dense(const RawBlock& block, std::span<const DenseRun> runs, Log& log) const {
  RunCursor cursor(runs, schema_.label_width);
  each_row(block, log, [&](const JsonRow& row) {
    cursor.next();
    if (float* labels = cursor.labels()) std::copy(row.labels.begin(), row.labels.end(), labels);
    if (float* weight = cursor.weight()) *weight = *row.weight;
    if (std::uint64_t* qid = cursor.qid()) *qid = *row.qid;
    float* const out = cursor.values();
    if (!row.shape.sparse) {
      std::copy(row.values.begin(), row.values.end(), out);
      return;
    }
    std::fill_n(out, schema_.feature_dim, 0.0f);
    for (std::size_t i = 0; i < row.keys.size(); ++i) out[row.keys[i]] = row.values[i];
  });
}

void JsonTableParser::parse_sparse(const RawBlock& block, SparseRows& rows, Log& log) const {
  each_row(block, log, [&](const JsonRow& row) {
    for (std::size_t i = 0; i < row.values.size(); ++i) {
      if (!row.shape.sparse && row.values[i] == 0.0f) continue;
      rows.indices.push_back(row.shape.sparse ? row.keys[i] : static_cast<std::uint32_t>(i));
      rows.values.push_back(row.values[i]);
    }
    rows.indptr.push_back(rows.values.size());
    if (schema_.label_width != 0) rows.labels.insert(rows.labels.end(), row.labels.begin(), row.labels.end());
    if (schema_.weights) rows.weights.push_back(*row.weight);
    if (schema_.qids) rows.qids.push_back(*row.qid);
  });
}

TableSchema JsonLinesParser::probe(std::span<const char> head, const std::string& source, Log& log) {
  warn_of_parameters(log);
  Lines lines(without_bom(text_of(head)), 1);
  if (!lines.next()) throw user_error("{}: no line with an instance, expected JSON Lines", source);
  try {
    std::string_view line = lines.line();
    drop_comma(line);
    simdjson::dom::parser parser;
    JsonRowReader reader(options_.missing);
    return settle(reader.read(parse_text(parser, line, 0), options_.feature_dim));
  } catch (const Error& e) {
    rethrow_with_place(e, line_place(source, lines.number()));
  }
}

TableParser::Cut JsonLinesParser::cut(const RawBlock& block, bool file_start, bool at_end) {
  return LineCutter(options_.max_record_bytes).cut(block, file_start, at_end);
}

std::vector<std::uint64_t> JsonLinesParser::record_lines(const RawBlock& block) const {
  std::vector<std::uint64_t> numbers;
  for (Lines lines(text_of(block.bytes), block.first_line); lines.next();) numbers.push_back(lines.number());
  return numbers;
}

void JsonLinesParser::each_row(const RawBlock& block, Log& log, const OnRow& on_row) const {
  Lines lines(text_of(block.bytes), block.first_line);
  simdjson::dom::parser parser;
  JsonRowReader reader(options_.missing);
  WantedRecords wanted(block);
  std::string padded;
  try {
    for (std::size_t i = 0; lines.next(); ++i) {
      if (!wanted(i)) continue;
      std::string_view line = lines.line();
      if (drop_comma(line) && !warned_comma_.exchange(true, std::memory_order_relaxed)) {
        log.warning("{}: a comma behind the object; JSON Lines have none", line_place(*block.source, lines.number()));
      }
      // What a line becomes must not depend on what stands behind it: the last ones of a block are read from a copy.
      if (lines.behind() < kNumberReach) {
        padded.assign(line).append(kNumberReach, ' ');
        line = std::string_view(padded).substr(0, line.size());
      }
      const JsonRow* row = reader.scan(line, schema_.feature_dim);
      if (row == nullptr) row = &reader.read(parse_text(parser, line, std::max(lines.behind(), kNumberReach)), schema_.feature_dim);
      check(*row);
      on_row(*row);
    }
  } catch (const Error& e) {
    rethrow_with_place(e, line_place(*block.source, lines.number()));
  }
}

TableSchema JsonParser::probe(std::span<const char> head, const std::string& source, Log& log) {
  warn_of_parameters(log);
  simdjson::dom::parser parser;
  JsonRowReader reader(options_.missing);
  bool inside = false;
  try {
    const element first = first_element(parser, without_bom(text_of(head)));
    inside = true;
    return settle(reader.read(first, options_.feature_dim));
  } catch (const Error& e) {
    rethrow_with_place(e, inside ? instance_place(source, 0) : source);
  }
}

TableParser::Cut JsonParser::cut(const RawBlock& block, bool file_start, bool at_end) {
  if (!at_end) return {};
  const std::string_view bytes = text_of(block.bytes);
  Cut cut;
  cut.bytes = bytes.size();
  cut.skip = file_start && bytes.starts_with(kBom) ? kBom.size() : 0;
  if (trim(bytes.substr(cut.skip)).empty()) return cut;
  try {
    simdjson::dom::parser parser;
    for ([[maybe_unused]] const element instance : instances_of(parse_text(parser, bytes.substr(cut.skip), 0))) ++cut.records;
  } catch (const Error& e) {
    rethrow_with_place(e, *block.source);
  }
  return cut;
}

void JsonParser::each_row(const RawBlock& block, Log&, const OnRow& on_row) const {
  if (block.records == 0) return;
  simdjson::dom::parser parser;
  JsonRowReader reader(options_.missing);
  WantedRecords wanted(block);
  std::uint64_t instance = block.first_record;
  try {
    for (const element value : instances_of(parse_text(parser, text_of(block.bytes), 0))) {
      if (wanted(static_cast<std::size_t>(instance - block.first_record))) {
        const JsonRow& row = reader.read(value, schema_.feature_dim);
        check(row);
        on_row(row);
      }
      ++instance;
    }
  } catch (const Error& e) {
    rethrow_with_place(e, instance_place(*block.source, instance));
  }
}

}  // namespace smtrain::formats
