#include "formats/prediction.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <iterator>
#include <span>

#include "base/error.h"
#include "base/text.h"
#include "formats/json/json_numbers.h"
#include "formats/recordio/framing.h"
#include "formats/recordio/record.h"

namespace smtrain::formats {
namespace {

std::span<const float> answer_of(const PredictionColumn& column, std::size_t row) {
  return {column.values.data() + row * column.width, column.width};
}

// Beyond 2^53 a float is no answer that anyone counts with; such numbers stay floats.
bool written_as_integer(const PredictionColumn& column, float value) {
  return column.integer && std::abs(value) < 0x1p53f && value == std::trunc(value);
}

void append_value(std::string& out, const PredictionColumn& column, float value) {
  if (written_as_integer(column, value)) {
    fmt::format_to(std::back_inserter(out), "{}", static_cast<std::int64_t>(value));
  } else {
    append_number(out, value);
  }
}

void append_json_value(std::string& out, const PredictionColumn& column, float value) {
  if (written_as_integer(column, value)) return append_value(out, column, value);
  append_json_number(out, value);
}

void append_json_values(std::string& out, const PredictionColumn& column, std::span<const float> values) {
  if (!column.integer) return append_json_list(out, values);
  out += '[';
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ',';
    append_json_value(out, column, values[i]);
  }
  out += ']';
}

// `"closest_cluster":` of every column, quoted once for all rows.
std::vector<std::string> members_of(const Prediction& prediction) {
  std::vector<std::string> members;
  for (const PredictionColumn& column : prediction.columns) members.push_back(json_quoted(column.name) + ":");
  return members;
}

void append_object(std::string& out, const Prediction& prediction, std::span<const std::string> members, std::size_t row) {
  out += '{';
  for (std::size_t i = 0; i < members.size(); ++i) {
    const PredictionColumn& column = prediction.columns[i];
    if (i > 0) out += ',';
    out += members[i];
    if (column.width == 1 && !column.list) {
      append_json_value(out, column, column.values[row]);
    } else {
      append_json_values(out, column, answer_of(column, row));
    }
  }
  out += '}';
}

void append_csv_line(std::string& out, const Prediction& prediction, std::size_t row) {
  bool first = true;
  for (const bool labels : {true, false}) {
    for (const PredictionColumn& column : prediction.columns) {
      if (column.integer != labels) continue;
      for (const float value : answer_of(column, row)) {
        if (!first) out += ',';
        append_value(out, column, value);
        first = false;
      }
    }
  }
  out += '\n';
}

void append_response(std::string& out, const Prediction& prediction, std::size_t row, std::string& payload) {
  std::vector<recordio::NamedValues> answers;
  for (const PredictionColumn& column : prediction.columns) answers.push_back({column.name, answer_of(column, row)});
  payload.clear();
  append_response_record(payload, answers);
  recordio::append_frame(out, payload, false);
}

}  // namespace

void PredictionWriter::begin(std::string& out) {
  first_ = true;
  if (format_ == Format::json) out += "{" + json_quoted(key_) + ":[";
}

void PredictionWriter::rows(const Prediction& prediction, std::string& out) {
  const std::vector<std::string> members = members_of(prediction);
  std::string payload;
  for (std::size_t row = 0; row < prediction.rows; ++row) {
    switch (format_) {
      case Format::json:
        if (!first_) out += ',';
        append_object(out, prediction, members, row);
        break;
      case Format::jsonlines:
        append_object(out, prediction, members, row);
        out += '\n';
        break;
      case Format::csv: append_csv_line(out, prediction, row); break;
      case Format::recordio_protobuf: append_response(out, prediction, row, payload); break;
      default: throw internal_error("answers cannot be written as {}", words_for(format_));
    }
    first_ = false;
  }
}

void PredictionWriter::end(std::string& out) {
  if (format_ == Format::json) out += "]}";
}

}  // namespace smtrain::formats
