// What tests of table formats share: bytes through cut() and parse in blocks of any size, batches out of plain vectors.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/error_help.h"
#include "base/log.h"
#include "formats/batch.h"
#include "formats/table_parser.h"

namespace smtrain::formats {

using test::error_of;

struct TestTable {
  TableSchema schema;
  std::size_t rows = 0;
  std::vector<float> values;  // rows × feature_dim
  std::vector<float> labels;  // rows × label_width
  std::vector<float> weights;
  std::vector<std::uint64_t> qids;
};

/// Feeds `bytes` to the parser as a file, at most `step` more bytes offered at a time, and appends the rows to `table`.
inline void read_file_in_steps(TableParser& parser, const std::string& bytes, const std::string& name, std::size_t step,
                               TestTable& table) {
  NullLog log;
  const auto source = std::make_shared<const std::string>(name);
  RawBlock at{{}, source, 0, 0, 1, 0};
  std::size_t start = 0, offered = 0;
  bool file_start = true;
  while (start < bytes.size()) {
    offered = std::min(bytes.size(), offered + step);
    const bool at_end = offered == bytes.size();
    // A copy of its own, so that a sanitizer sees every read beyond it.
    const std::vector<char> copy(bytes.begin() + static_cast<long>(start), bytes.begin() + static_cast<long>(offered));
    RawBlock block = at;
    block.bytes = copy;
    const TableParser::Cut cut = parser.cut(block, file_start, at_end);
    if (cut.bytes == 0) {
      if (at_end) throw internal_error("{}: nothing cut from the last {} bytes", name, copy.size());
      continue;
    }
    file_start = false;
    const std::vector<char> records(copy.begin() + static_cast<long>(cut.skip), copy.begin() + static_cast<long>(cut.bytes));
    block.bytes = records;
    block.offset += cut.skip;
    block.first_line += static_cast<std::uint64_t>(std::count(copy.begin(), copy.begin() + static_cast<long>(cut.skip), '\n'));
    block.records = cut.records;
    const std::size_t width = table.schema.feature_dim, label_width = table.schema.label_width, old = table.rows;
    table.rows += cut.records;
    table.values.resize(table.rows * width);
    table.labels.resize(table.rows * label_width);
    if (table.schema.weights) table.weights.resize(table.rows);
    if (table.schema.qids) table.qids.resize(table.rows);
    // Two runs, as at the seam of two storage blocks.
    const std::size_t half = cut.records / 2;
    std::vector<DenseRun> runs;
    for (const auto& [first, count] : {std::pair{old, half}, std::pair{old + half, cut.records - half}})
      if (count != 0)
        runs.push_back({count, table.values.data() + first * width, width,
                        label_width == 0 ? nullptr : table.labels.data() + first * label_width,
                        table.schema.weights ? table.weights.data() + first : nullptr, table.schema.qids ? table.qids.data() + first : nullptr});
    if (cut.records != 0) parser.parse_dense(block, runs, log);
    at.offset += cut.bytes;
    at.first_record += cut.records;
    at.first_line += cut.lines;
    start += cut.bytes;
  }
}

/// Probes and reads one file.
inline TestTable read_in_steps(TableParser& parser, const std::string& bytes, std::size_t step, Log& log) {
  TestTable table;
  table.schema = parser.probe(std::span(bytes.data(), bytes.size()), "train/a.csv", log);
  read_file_in_steps(parser, bytes, "train/a.csv", step, table);
  return table;
}

}  // namespace smtrain::formats
