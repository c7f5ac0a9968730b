// What the fuzz targets of matrix files share: a file read whole and in pieces gives the same rows or is refused both times.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "formats/table_parser.h"
#include "fuzz_help.h"

namespace smtrain::fuzz {

using namespace formats;

/// Appends the numbers of a block, which has been read as sparse as well.
inline void parse_both(TableParser& parser, const TableSchema& schema, const RawBlock& block, std::vector<float>& numbers, Log& log) {
  SparseRows rows;
  parser.parse_sparse(block, rows, log);
  require(rows.indptr.size() == block.records + 1 && rows.labels.size() == block.records * schema.label_width);
  for (const std::uint32_t index : rows.indices) require(index < schema.feature_dim);
  std::vector<float> values(block.records * schema.feature_dim), labels(block.records * schema.label_width);
  const DenseRun run{block.records, values.data(), schema.feature_dim, labels.empty() ? nullptr : labels.data()};
  if (block.records != 0) parser.parse_dense(block, {&run, 1}, log);
  numbers.insert(numbers.end(), values.begin(), values.end());
  numbers.insert(numbers.end(), labels.begin(), labels.end());
}

/// All numbers of the file, fed `step` bytes at a time; nullopt when it is refused.
template <class Parser>
std::optional<std::vector<float>> numbers_of(const TableOptions& options, const std::string& bytes, std::size_t step) {
  NullLog log;
  Parser parser(options);
  std::vector<float> numbers;
  bool bounded = true;  // storage is the caller's, and bounded there
  const bool fine = accepts([&] {
    const TableSchema schema = parser.probe(std::span(bytes.data(), bytes.size()), "fuzz", log);
    parser.begin_file({"fuzz", "fuzz", true, bytes.size()});
    cut_in_pieces(parser, bytes, step, [&](const RawBlock& block) {
      bounded = schema.feature_dim <= (1 << 12) && block.records <= (1 << 12);
      if (bounded) parse_both(parser, schema, block, numbers, log);
      return bounded;
    });
  });
  if (!fine) return std::nullopt;
  return bounded ? numbers : std::vector<float>{};
}

template <class Parser>
int fuzz_matrix_file(const char* type, const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  TableOptions options;
  options.type = parse_content_type(std::string(type) + (data[0] % 2 == 0 ? ";label_size=0" : ";label_size=1"));
  options.missing = static_cast<Missing>(data[0] / 2 % 3);
  options.max_record_bytes = 1 << 16;
  const std::string bytes(text_of(data + 2, size - 2));
  const auto whole = numbers_of<Parser>(options, bytes, bytes.size() + 1), pieces = numbers_of<Parser>(options, bytes, 1 + data[1] % 64);
  // Rows come label by label in each piece, so that only their count and their refusal compare.
  require(whole.has_value() == pieces.has_value());
  if (whole) require(whole->size() == pieces->size());
  return 0;
}

}  // namespace smtrain::fuzz
