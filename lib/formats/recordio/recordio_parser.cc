#include "formats/recordio/recordio_parser.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/text.h"
#include "formats/recordio/frame_cutter.h"
#include "formats/recordio/record_reader.h"
#include "formats/tensor_rules.h"

namespace smtrain::formats {
namespace {

using recordio::NumberType;
using recordio::Record;
using recordio::record_place;
using recordio::RecordReader;
using recordio::Tensor;

constexpr const char* kFeatures = "features.values";
constexpr const char* kLabel = "label.values";

// What is thrown inside a record knows its field, not its place.
[[noreturn]] void rethrow_with_place(const Error& e, const std::string& where) {
  throw Error(e.fault(), fmt::format("{}: {}", where, e.what()));
}

TensorPath path_of(const char* map, const Tensor& tensor) { return {map, name_of(tensor.type)}; }

TensorParts parts_of(const Tensor& tensor) { return {tensor.values, tensor.keys, tensor.shape}; }

bool numeric(const Tensor& tensor) { return tensor.type != NumberType::none && tensor.type != NumberType::bytes; }

[[noreturn]] void refuse_missing_features(const Record& record) {
  if (record.has_features) {
    throw user_error("features.values: found {}, expected a float32, float64 or int32 tensor",
                     record.features.type == NumberType::bytes ? "bytes" : "an empty value");
  }
  throw user_error("features: found {}, expected the key \"values\"",
                   record.other_feature.empty() ? std::string("no entry") : "the key " + quoted(record.other_feature));
}

RowShape shape_of(const Record& record, std::uint64_t known_dim) {
  if (!record.has_features || !numeric(record.features)) refuse_missing_features(record);
  return row_shape(parts_of(record.features), path_of(kFeatures, record.features), known_dim);
}

void check_label(const Tensor& label) {
  const TensorPath path = path_of(kLabel, label);
  if (!label.keys.empty()) throw user_error("{}: {} keys, expected a dense label", path.field("keys"), label.keys.size());
  if (!label.shape.empty() && shape_size(parts_of(label), path) != label.values) {
    throw user_error("{}: {} values in a shape of {}, expected as many values as the shape says", path.field("values"),
                     label.values, shape_size(parts_of(label), path));
  }
}

std::size_t label_width_of(const Record& record) {
  if (!record.has_label || !numeric(record.label) || record.label.values == 0) return 0;
  check_label(record.label);
  return record.label.values;
}

void check_label_width(const Record& record, std::size_t expected) {
  const std::size_t found = label_width_of(record);
  if (found == expected) return;
  throw user_error("label.values: found {}, expected {} as in the first record",
                   found == 0 ? std::string("no label") : fmt::format("{} values", found), expected);
}

[[noreturn]] void refuse_not_finite(const Tensor& tensor, const char* map, std::size_t i) {
  const double value = value_at(tensor, i);
  throw user_error("{}[{}] is {}, expected a {}", path_of(map, tensor).field("values"), i, format_number(value),
                   std::isfinite(value) ? "number that fits float32" : "finite number");
}

void append_sparse(const Record& record, SparseRows& rows, std::size_t at) {
  const std::vector<std::uint64_t>& keys = record.features.keys;
  rows.indices.resize(at + keys.size());
  std::transform(keys.begin(), keys.end(), rows.indices.begin() + static_cast<std::ptrdiff_t>(at),
                 [](std::uint64_t key) { return static_cast<std::uint32_t>(key); });
  sort_sparse_row(std::span(rows.indices).subspan(at), std::span(rows.values).subspan(at),
                  path_of(kFeatures, record.features));
}

void append_nonzeros(SparseRows& rows, std::span<const float> dense) {
  for (std::size_t i = 0; i < dense.size(); ++i) {
    if (dense[i] == 0.0f) continue;
    rows.indices.push_back(static_cast<std::uint32_t>(i));
    rows.values.push_back(dense[i]);
  }
}

}  // namespace

TableSchema RecordIoParser::probe(std::span<const char> head, const std::string& source, Log& log) {
  const RawBlock block{head, std::make_shared<const std::string>(source), 0, 0, 0, 1};
  try {
    if (head.empty()) throw user_error("no bytes, expected recordIO-protobuf records");
    if (describe_content(head) == "an MXNet image recordIO") {
      throw user_error("an MXNet image recordIO (application/x-recordio), expected numeric recordIO-protobuf records");
    }
    RecordReader reader(head, options_.max_record_bytes);
    reader.next();
    const RowShape row = shape_of(reader.record(), options_.feature_dim);
    if (options_.feature_dim != 0) check_row_width(row, kFeatures, options_.feature_dim, true);
    schema_.feature_dim = checked_feature_dim(row, kFeatures);
    schema_.sparse = row.sparse;
    schema_.label_width = label_width_of(reader.record());
    if (options_.supervised && schema_.label_width == 0) throw user_error("label.values: found no label, expected one");
    check(reader.record(), block, log);
  } catch (const Error& e) {
    rethrow_with_place(e, record_place(source, 0, 0));
  }
  return schema_;
}

TableParser::Cut RecordIoParser::cut(const RawBlock& block, bool file_start, bool at_end) {
  return recordio::FrameCutter(options_.max_record_bytes).cut(block, file_start, at_end);
}

// What a layout fixes, so that records which repeat it need no second look. Returns whether the row is sparse.
bool RecordIoParser::check(const Record& record, const RawBlock& block, Log& log) const {
  const RowShape row = shape_of(record, schema_.feature_dim);
  check_row_width(row, kFeatures, schema_.feature_dim, options_.feature_dim != 0);
  warn_of_precision(record.features, kFeatures, block, log);
  if (schema_.label_width != 0) {
    check_label_width(record, schema_.label_width);
    warn_of_precision(record.label, kLabel, block, log);
  }
  return row.sparse;
}

void RecordIoParser::warn_of_precision(const Tensor& tensor, const char* map, const RawBlock& block, Log& log) const {
  if (tensor.type == NumberType::f64 && !warned_float64_.exchange(true, std::memory_order_relaxed)) {
    log.warning("{}: {} holds float64 numbers; they are rounded to float32", *block.source, map);
  }
  if (tensor.type == NumberType::i32 && !warned_integer_.load(std::memory_order_relaxed) && exceeds_float32(tensor) &&
      !warned_integer_.exchange(true, std::memory_order_relaxed)) {
    log.warning("{}: {} holds integers beyond 2^24; they are rounded to float32", *block.source, map);
  }
}

void RecordIoParser::convert(const Tensor& tensor, const char* map, float* out) const {
  const std::size_t bad = to_float32(tensor, out);
  if (bad == 0 || options_.missing == Missing::passed_on) return;
  const Missing missing = map == kFeatures ? options_.missing : Missing::refused;
  const auto refused = [&](float x) { return !std::isfinite(x) && !may_be_feature(missing, x); };
  const float* const end = out + tensor.values;
  const float* const found = std::find_if(static_cast<const float*>(out), end, refused);
  if (found != end) refuse_not_finite(tensor, map, static_cast<std::size_t>(found - out));
}

template <class OnRow>
void RecordIoParser::each_record(const RawBlock& block, Log& log, OnRow&& on_row) const {
  RecordReader reader(block.bytes, options_.max_record_bytes);
  WantedRecords wanted(block);
  bool sparse = false, unchecked = false;
  std::size_t i = 0;
  try {
    for (; i < block.records; ++i) {
      const bool repeats = reader.next();
      unchecked = unchecked || !repeats;
      if (!wanted(i)) continue;
      if (unchecked) sparse = check(reader.record(), block, log);
      unchecked = false;
      on_row(reader.record(), sparse);
    }
  } catch (const Error& e) {
    rethrow_with_place(e, record_place(*block.source, block.first_record + i, block.offset + reader.position()));
  }
  if (reader.missing_padding() && !warned_padding_.exchange(true, std::memory_order_relaxed)) {
    log.warning("{}: the padding of the last record is missing; the file may have been cut off", *block.source);
  }
}

void RecordIoParser::parse_dense(const RawBlock& block, std::span<const DenseRun> runs, Log& log) const {
  RunCursor row(runs, schema_.label_width);
  SparseRows scratch;
  each_record(block, log, [&](const Record& record, bool sparse) {
    row.next();
    if (!sparse) {
      convert(record.features, kFeatures, row.values());
    } else {
      scratch.values.resize(record.features.values);
      convert(record.features, kFeatures, scratch.values.data());
      append_sparse(record, scratch, 0);
      std::fill_n(row.values(), schema_.feature_dim, 0.0f);
      for (std::size_t i = 0; i < scratch.values.size(); ++i) row.values()[scratch.indices[i]] = scratch.values[i];
    }
    if (row.labels() != nullptr) convert(record.label, kLabel, row.labels());
  });
}

void RecordIoParser::parse_sparse(const RawBlock& block, SparseRows& rows, Log& log) const {
  std::vector<float> dense;
  each_record(block, log, [&](const Record& record, bool sparse) {
    const std::size_t at = rows.values.size();
    if (sparse) {
      rows.values.resize(at + record.features.values);
      convert(record.features, kFeatures, rows.values.data() + at);
      append_sparse(record, rows, at);
    } else {
      dense.resize(record.features.values);
      convert(record.features, kFeatures, dense.data());
      append_nonzeros(rows, dense);
    }
    rows.indptr.push_back(rows.values.size());
    if (schema_.label_width != 0) {
      rows.labels.resize(rows.labels.size() + schema_.label_width);
      convert(record.label, kLabel, rows.labels.data() + rows.labels.size() - schema_.label_width);
    }
  });
}

}  // namespace smtrain::formats
