#include "formats/matrix/npy_parser.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "formats/label_size.h"
#include "formats/tensor_rules.h"

namespace smtrain::formats {
namespace {

constexpr std::size_t kMaxWhole = std::size_t{4} << 30;
constexpr double kExactIntegers = 16777216;

template <class T>
bool convert(const char* from, std::size_t stride, std::size_t count, float* out) {
  bool exact = true;
  for (std::size_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, from + i * stride, sizeof value);
    out[i] = static_cast<float>(value);
    if constexpr (sizeof(T) >= 4 && std::is_integral_v<T>) exact = exact && std::abs(static_cast<double>(out[i])) <= kExactIntegers;
  }
  return exact;
}

// `count` numbers, `stride` bytes apart; false when integers were beyond those that float32 has.
bool to_floats(NpyType type, const char* from, std::size_t stride, std::size_t count, float* out) {
  switch (type) {
    case NpyType::f4: return convert<float>(from, stride, count, out);
    case NpyType::f8: return convert<double>(from, stride, count, out);
    case NpyType::i1: return convert<std::int8_t>(from, stride, count, out);
    case NpyType::i2: return convert<std::int16_t>(from, stride, count, out);
    case NpyType::i4: return convert<std::int32_t>(from, stride, count, out);
    case NpyType::i8: return convert<std::int64_t>(from, stride, count, out);
    case NpyType::u1:
    case NpyType::boolean: return convert<std::uint8_t>(from, stride, count, out);
    case NpyType::u2: return convert<std::uint16_t>(from, stride, count, out);
    case NpyType::u4: return convert<std::uint32_t>(from, stride, count, out);
    case NpyType::u8: return convert<std::uint64_t>(from, stride, count, out);
  }
  return true;
}

std::string shape_in_words(const NpyHeader& h) {
  return fmt::format("{} {} columns of {}", h.fortran_order ? "Fortran order," : "C order,", h.cols, name_of(h.type));
}

NpyHeader whole_header(std::span<const char> bytes, const std::string& source) {
  try {
    const auto header = read_npy_header(bytes);
    if (!header) throw user_error("ends within its header; is the file whole?");
    return *header;
  } catch (const Error& e) {
    throw Error(e.fault(), fmt::format("{}: {}", source, e.what()));
  }
}

}  // namespace

TableSchema NpyParser::probe(std::span<const char> head, const std::string& source, Log& log) {
  first_ = whole_header(head, source);
  if (first_.cols == 0) throw user_error("{}: shape ({}, 0): no column", source, first_.rows);
  if (first_.cols > kMaxFeatureDim) throw user_error("{}: {} columns, expected at most {}", source, first_.cols, kMaxFeatureDim);
  const auto columns = static_cast<std::size_t>(first_.cols);
  label_width_ = label_size_of(options_, columns, source, log);
  TableSchema schema;
  schema.feature_dim = columns - label_width_;
  schema.label_width = label_width_;
  if (options_.feature_dim != 0 && options_.feature_dim != schema.feature_dim) {
    throw user_error("{}: {} columns; feature_dim says {} (is the label column counted? label_size is {})", source, columns,
                     options_.feature_dim, label_width_);
  }
  if (first_.type == NpyType::f8 && !warned_float64_.exchange(true)) log.warning("{}: float64 numbers are rounded to float32", source);
  return schema;
}

void NpyParser::check_same(const NpyHeader& header, const std::string& source) const {
  if (header.type == first_.type && header.cols == first_.cols && header.fortran_order == first_.fortran_order) return;
  throw user_error("{}: {}; the first file has {}", source, shape_in_words(header), shape_in_words(first_));
}

std::size_t NpyParser::block_limit(std::size_t max_record_bytes) const {
  return first_.fortran_order ? std::max(max_record_bytes, kMaxWhole) : max_record_bytes;
}

TableParser::Cut NpyParser::cut(const RawBlock& block, bool file_start, bool at_end) {
  Cut cut;
  if (file_start) {
    if (first_.fortran_order && !at_end) return cut;
    const bool whole = at_end || block.bytes.size() >= (std::size_t{80} << 10);
    std::optional<NpyHeader> header;
    if (whole) header = whole_header(block.bytes, *block.source);
    else header = read_npy_header(block.bytes);
    if (!header) return cut;
    check_same(*header, *block.source);
    rows_ = header->rows;
    cut.bytes = cut.skip = header->bytes;
  }
  const std::size_t row = row_bytes(), rest = block.bytes.size() - cut.bytes;
  // One byte is always left for the end of the file, where the rows are counted.
  cut.records = (at_end || rest == 0 ? rest : rest - 1) / row;
  if (at_end && (rest % row != 0 || (rows_ && block.first_record + cut.records != *rows_))) {
    throw user_error("{}: {} rows of {} bytes{}; the header says {} rows: is the file whole?", *block.source, block.first_record + cut.records,
                     row, rest % row == 0 ? "" : fmt::format(" and {} bytes", rest % row), rows_.value_or(0));
  }
  cut.bytes += cut.records * row;
  return cut;
}

template <class OnRow>
void NpyParser::each_row(const RawBlock& block, Log& log, OnRow&& on_row) const {
  const std::size_t columns = static_cast<std::size_t>(first_.cols), size = size_of(first_.type);
  const std::size_t down = first_.fortran_order ? size : row_bytes(), across = first_.fortran_order ? block.records * size : size;
  WantedRecords wanted(block);
  std::vector<float> row(columns);
  bool exact = true;
  for (std::size_t i = 0; i < block.records; ++i) {
    if (!wanted(i)) continue;
    exact = to_floats(first_.type, block.bytes.data() + i * down, across, columns, row.data()) && exact;
    if (options_.missing != Missing::passed_on) {
      const auto features = row.begin() + static_cast<std::ptrdiff_t>(label_width_);
      auto bad = std::find_if_not(row.begin(), features, [](float x) { return std::isfinite(x); });
      if (bad == features)
        bad = std::find_if_not(features, row.end(), [&](float x) { return std::isfinite(x) || may_be_feature(options_.missing, x); });
      if (bad != row.end()) {
        throw user_error("{}, record {}: column {}: {} is not a finite float32; the numeric algorithms have no missing values", *block.source,
                         block.first_record + i, bad - row.begin() + 1, *bad);
      }
    }
    on_row(row);
  }
  if (!exact && !warned_integer_.exchange(true)) log.warning("{}: holds integers beyond 2^24; they are rounded to float32", *block.source);
}

void NpyParser::parse_dense(const RawBlock& block, std::span<const DenseRun> runs, Log& log) const {
  RunCursor cursor(runs, label_width_);
  const auto labels = static_cast<std::ptrdiff_t>(label_width_);
  each_row(block, log, [&](const std::vector<float>& row) {
    cursor.next();
    if (float* to = cursor.labels()) std::copy(row.begin(), row.begin() + labels, to);
    std::copy(row.begin() + labels, row.end(), cursor.values());
  });
}

void NpyParser::parse_sparse(const RawBlock& block, SparseRows& rows, Log& log) const {
  each_row(block, log, [&](const std::vector<float>& row) {
    rows.labels.insert(rows.labels.end(), row.begin(), row.begin() + static_cast<std::ptrdiff_t>(label_width_));
    for (std::size_t j = label_width_; j < row.size(); ++j) {
      if (row[j] == 0) continue;
      rows.indices.push_back(static_cast<std::uint32_t>(j - label_width_));
      rows.values.push_back(row[j]);
    }
    rows.indptr.push_back(rows.indices.size());
  });
}

}  // namespace smtrain::formats
