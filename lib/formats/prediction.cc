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

// Number `at` of a column, counted over all rows. `json`: null for what is not finite.
void append_value(std::string& out, const PredictionColumn& column, std::size_t at, bool json) {
  if (!column.integers.empty()) {
    fmt::format_to(std::back_inserter(out), "{}", column.integers[at]);
  } else if (written_as_integer(column, column.values[at])) {
    fmt::format_to(std::back_inserter(out), "{}", static_cast<std::int64_t>(column.values[at]));
  } else if (json) {
    append_json_number(out, column.values[at]);
  } else {
    append_number(out, column.values[at]);
  }
}

void append_list(std::string& out, const PredictionColumn& column, std::size_t row, std::string_view separator, bool json) {
  out += '[';
  for (std::size_t i = 0; i < column.width; ++i) {
    if (i > 0) out += separator;
    append_value(out, column, row * column.width + i, json);
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
    if (column.width == 1 && !column.list) append_value(out, column, row, true);
    else append_list(out, column, row, ",", true);
  }
  out += '}';
}

void append_csv_column(std::string& out, const PredictionColumn& column, bool quoted, std::size_t row) {
  if (column.csv_cell) {
    if (quoted) out += '"';
    append_list(out, column, row, ", ", false);
    out += quoted ? "\"," : ",";
    return;
  }
  for (std::size_t i = 0; i < column.width; ++i) {
    append_value(out, column, row * column.width + i, false);
    out += ',';
  }
}

bool leads(const PredictionColumn& column) { return column.integer && column.integers.empty(); }

void append_csv_line(std::string& out, const Prediction& prediction, std::size_t row) {
  const std::size_t start = out.size();
  const bool quoted = prediction.in_order || prediction.columns.size() > 1;
  for (const PredictionColumn& column : prediction.columns) {
    if (prediction.in_order || leads(column)) append_csv_column(out, column, quoted, row);
  }
  for (const PredictionColumn& column : prediction.columns) {
    if (!prediction.in_order && !leads(column)) append_csv_column(out, column, quoted, row);
  }
  if (out.size() > start) out.pop_back();
  out += '\n';
}

// The numbers of a row, as floats; `made` holds those that are not kept so.
std::span<const float> floats_of(const PredictionColumn& column, std::size_t row, std::vector<float>& made) {
  if (column.integers.empty()) return answer_of(column, row);
  const auto first = column.integers.begin() + static_cast<std::ptrdiff_t>(row * column.width);
  made.assign(first, first + static_cast<std::ptrdiff_t>(column.width));
  return made;
}

void append_response(std::string& out, const Prediction& prediction, std::size_t row, std::string& payload) {
  std::vector<recordio::NamedValues> answers;
  std::vector<std::vector<float>> made(prediction.columns.size());
  for (std::size_t i = 0; i < prediction.columns.size(); ++i) {
    answers.push_back({prediction.columns[i].name, floats_of(prediction.columns[i], row, made[i])});
  }
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
