// What the fuzz targets of matrix files share: a file read whole and in pieces gives the same rows or is refused both times.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "formats/table_parser.h"

namespace smtrain::formats {

inline void require(bool condition) {
  if (!condition) std::abort();
}

/// All numbers of the file, fed `step` bytes at a time; nullopt when it is refused.
template <class Parser>
std::optional<std::vector<float>> numbers_of(const TableOptions& options, const std::string& bytes, std::size_t step) {
  NullLog log;
  Parser parser(options);
  const auto source = std::make_shared<const std::string>("fuzz");
  std::vector<float> numbers;
  try {
    const TableSchema schema = parser.probe(std::span(bytes.data(), bytes.size()), *source, log);
    parser.begin_file({"fuzz", "fuzz", true, bytes.size()});
    RawBlock at{{}, source, 0, 0, 1, 0};
    bool file_start = true;
    for (std::size_t start = 0, offered = 0; start < bytes.size();) {
      offered = std::min(bytes.size(), offered + step);
      const std::vector<char> copy(bytes.begin() + static_cast<long>(start), bytes.begin() + static_cast<long>(offered));
      RawBlock block = at;
      block.bytes = copy;
      const TableParser::Cut cut = parser.cut(block, file_start, offered == bytes.size());
      require(cut.skip <= cut.bytes && cut.bytes <= copy.size());
      require(cut.bytes != 0 || offered != bytes.size());
      if (cut.bytes == 0) continue;
      file_start = false;
      const std::vector<char> records(copy.begin() + static_cast<long>(cut.skip), copy.begin() + static_cast<long>(cut.bytes));
      block.bytes = records;
      block.records = cut.records;
      // Storage is the caller's, and bounded there.
      if (schema.feature_dim > (1 << 12) || cut.records > (1 << 12)) return std::vector<float>{};
      SparseRows rows;
      parser.parse_sparse(block, rows, log);
      require(rows.indptr.size() == cut.records + 1 && rows.labels.size() == cut.records * schema.label_width);
      for (const std::uint32_t index : rows.indices) require(index < schema.feature_dim);
      std::vector<float> values(cut.records * schema.feature_dim), labels(cut.records * schema.label_width);
      const DenseRun run{cut.records, values.data(), schema.feature_dim, labels.empty() ? nullptr : labels.data()};
      if (cut.records != 0) parser.parse_dense(block, {&run, 1}, log);
      numbers.insert(numbers.end(), values.begin(), values.end());
      numbers.insert(numbers.end(), labels.begin(), labels.end());
      at.offset += cut.bytes;
      at.first_record += cut.records;
      at.first_line += cut.lines;
      start += cut.bytes;
    }
  } catch (const Error& e) {
    require(e.fault() == Fault::user);
    return std::nullopt;
  }
  return numbers;
}

template <class Parser>
int fuzz_matrix_file(const char* type, const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  TableOptions options;
  options.type = parse_content_type(std::string(type) + (data[0] % 2 == 0 ? ";label_size=0" : ";label_size=1"));
  options.allow_missing = (data[0] & 2) != 0;
  options.max_record_bytes = 1 << 16;
  const std::string bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto whole = numbers_of<Parser>(options, bytes, bytes.size() + 1), pieces = numbers_of<Parser>(options, bytes, 1 + data[1] % 64);
  // Rows come label by label in each piece, so that only their count and their refusal compare.
  require(whole.has_value() == pieces.has_value());
  if (whole) require(whole->size() == pieces->size());
  return 0;
}

}  // namespace smtrain::formats
