#include "formats/encoding/row_encoder.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/text.h"
#include "formats/text/field_number.h"
#include "formats/text/lines.h"

namespace smtrain::formats {
namespace {

constexpr std::size_t kAbsent = static_cast<std::size_t>(-1);
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// Where the columns of an encoding stand in other records.
class Matching {
 public:
  Matching(const Encoding& encoding, const CsvRecords& records) : encoding_(encoding), records_(records) {
    by_name_ = encoding.header && !records.names().empty();
    if (by_name_) return;
    without_label_ = encoding.label && records.columns() + 1 == encoding.columns;
    if (records.columns() != encoding.columns && !without_label_) {
      throw user_error("{}: {} columns; the encoding was found on {}", records.team().files().front().name, records.columns(),
                       encoding.columns);
    }
  }
  /// kAbsent when there is none.
  std::size_t field(const ColumnEncoding& column) const {
    if (by_name_) {
      const auto& names = records_.names();
      const auto found = std::find(names.begin(), names.end(), column.name);
      return found == names.end() ? kAbsent : static_cast<std::size_t>(found - names.begin());
    }
    if (!without_label_) return column.column;
    if (column.column == encoding_.label->column) return kAbsent;
    return column.column - (column.column > encoding_.label->column ? 1 : 0);
  }

 private:
  const Encoding& encoding_;
  const CsvRecords& records_;
  bool by_name_ = false, without_label_ = false;
};

float as_float(double value) { return static_cast<float>(value); }

}  // namespace

/// A field and where it stands.
struct RowEncoder::Place {
  std::string_view text;
  const std::string& source;
  std::uint64_t line;
  std::string words() const { return line_place(source, line); }
};

void EncodingNotes::add(const EncodingNotes& later) {
  dropped += later.dropped;
  for (const auto& [column, others] : later.unseen) {
    Unseen& mine = unseen[column];
    if (mine.values == 0) mine = others;
    else mine.values += others.values;
  }
}

RowEncoder::RowEncoder(const Encoding& encoding, const CsvRecords& records)
    : encoding_(encoding), missing_texts_(encoding.missing_texts.begin(), encoding.missing_texts.end()) {
  const Matching matching(encoding_, records);
  std::vector<std::string> absent;
  for (const ColumnEncoding& column : encoding_.features) {
    const std::size_t field = matching.field(column);
    if (field == kAbsent) absent.push_back(smtrain::quoted(column.name));
    features_.push_back(column_for(column, field, schema_.feature_dim));
    schema_.feature_dim += column.width();
  }
  if (!absent.empty()) {
    throw user_error("{}: has no column {}, which the encoding needs; its header names {}", records.team().files().front().name,
                     join(absent, ", "), smtrain::quoted(join(records.names(), ", "), 400));
  }
  if (encoding_.label) {
    const std::size_t field = matching.field(*encoding_.label);
    if (field != kAbsent) label_ = column_for(*encoding_.label, field, 0);
  }
  schema_.label_width = label_ ? 1 : 0;
  schema_.sparse = encoding_.sparse();
  schema_.column_names = encoding_.feature_names();
}

RowEncoder::Column RowEncoder::column_for(const ColumnEncoding& encoding, std::size_t field, std::size_t first) const {
  Column column{&encoding, field, first, {}};
  for (std::size_t i = 0; i < encoding.categories.size(); ++i)
    column.codes[encoding.categories[i]] = static_cast<std::uint32_t>(i);
  return column;
}

bool RowEncoder::is_missing(std::string_view text) const {
  return always_missing(text) || (!missing_texts_.empty() && missing_texts_.contains(std::string(text)));
}

float RowEncoder::number(const Column& column, std::string_view text, const Place& place) const {
  const std::optional<double> value = field_number(text);
  if (!value) {
    throw user_error(
        "{}: column {}: {} is not a number; the encoding expects numbers here (--missing-text when it means a missing value)",
        place.words(), smtrain::quoted(column.encoding->name), smtrain::quoted(text));
  }
  if (std::abs(*value) > std::numeric_limits<float>::max()) {
    throw user_error("{}: column {}: {} is beyond the range of float32", place.words(), smtrain::quoted(column.encoding->name),
                     smtrain::quoted(text));
  }
  return as_float(*value);
}

// Writes the features of one column to scratch.values; false when the row is dropped.
bool RowEncoder::encode_field(const Column& column, const Place& place, Scratch& scratch, EncodingNotes& notes) const {
  const ColumnEncoding& e = *column.encoding;
  float* const to = scratch.values.data() + column.first;
  const bool one_hot = e.use == ColumnUse::one_hot;
  if (is_missing(place.text)) {
    if (e.missing == MissingRule::drop) return false;
    if (e.missing == MissingRule::refuse) {
      throw user_error(
          "{}: column {}: the value is missing ({}); say what to do with --missing drop, mean, median, nan or a number",
          place.words(), smtrain::quoted(e.name), smtrain::quoted(place.text));
    }
    if (e.indicator) to[e.width() - 1] = 1;
    if (!one_hot) *to = e.missing == MissingRule::keep ? kNan : e.use == ColumnUse::ordinal ? -1 : as_float(e.fill);
    return true;
  }
  if (e.use == ColumnUse::number) {
    *to = number(column, place.text, place);
    return true;
  }
  auto code = column.codes.find(std::string(place.text));
  if (code == column.codes.end()) code = column.codes.find(canonical_category(place.text));
  if (code == column.codes.end()) {
    EncodingNotes::Unseen& unseen = notes.unseen[e.name];
    if (unseen.values++ == 0) {
      unseen.first = place.text;
      unseen.place = place.words();
    }
    if (!one_hot) *to = -1;
    return true;
  }
  if (one_hot) to[code->second] = 1;
  else *to = static_cast<float>(code->second);
  return true;
}

// The class or number; nullopt when the row is dropped.
std::optional<float> RowEncoder::encode_label(const Place& place) const {
  const ColumnEncoding& e = *label_->encoding;
  if (is_missing(place.text)) {
    if (e.missing == MissingRule::drop) return std::nullopt;
    throw user_error("{}: column {}: the label is missing ({}); --missing {}=drop leaves such rows out", place.words(),
                     smtrain::quoted(e.name), smtrain::quoted(place.text), e.name);
  }
  if (e.use == ColumnUse::number) return number(*label_, place.text, place);
  const auto code = label_->codes.find(canonical_category(place.text));
  if (code != label_->codes.end()) return static_cast<float>(code->second);
  throw user_error("{}: column {}: {} is no class that the encoding knows; known are {}", place.words(), smtrain::quoted(e.name),
                   smtrain::quoted(place.text), smtrain::quoted(join(e.categories, ", "), 200));
}

bool RowEncoder::encode(const CsvRecord& record, const std::string& source, Scratch& scratch, std::string& out,
                        EncodingNotes& notes) const {
  const auto append = [&](const auto* values, std::size_t count) {
    out.append(reinterpret_cast<const char*>(values), count * sizeof *values);
  };
  const auto drop = [&] {
    ++notes.dropped;
    return false;
  };
  std::optional<float> label;
  if (label_ && !(label = encode_label({record.fields[label_->field], source, record.line}))) return drop();
  scratch.values.assign(schema_.feature_dim, 0);
  for (const Column& column : features_) {
    if (!encode_field(column, {record.fields[column.field], source, record.line}, scratch, notes)) return drop();
  }
  if (label) append(&*label, 1);
  if (!schema_.sparse) {
    append(scratch.values.data(), scratch.values.size());
    return true;
  }
  scratch.indices.clear();
  std::size_t kept = 0;
  for (std::size_t i = 0; i < scratch.values.size(); ++i) {
    if (scratch.values[i] == 0) continue;
    scratch.indices.push_back(static_cast<std::uint32_t>(i));
    scratch.values[kept++] = scratch.values[i];
  }
  append(scratch.indices.data(), kept);
  append(scratch.values.data(), kept);
  return true;
}

}  // namespace smtrain::formats
