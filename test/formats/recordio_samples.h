// Helpers of the recordIO tests: bytes from hex, fixtures, random tables, parsing in blocks.
#pragma once

#include <catch2/catch.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "base/error_help.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random.h"
#include "formats/batch.h"
#include "formats/table_parser.h"

namespace smtrain::formats::testing {

using test::error_of;

/// "0a 23" as two bytes; blanks between bytes are optional.
inline std::string bytes_of(std::string_view hex) {
  std::string bytes;
  int high = -1;
  for (const char c : hex) {
    if (c == ' ' || c == '\n') continue;
    const int digit = c <= '9' ? c - '0' : c - 'a' + 10;
    if (high < 0) {
      high = digit;
    } else {
      bytes.push_back(static_cast<char>(high * 16 + digit));
      high = -1;
    }
  }
  return bytes;
}

inline std::string fixture(const std::string& name) { return read_file(std::string(SMTRAIN_TEST_DATA "/recordio/") + name); }

/// What a whole file holds, row by row.
struct ParsedTable {
  TableSchema schema;
  std::vector<std::vector<float>> rows;
  std::vector<float> labels;
};

/// Reads a file as the table machinery does: probe, cut in chunks of `chunk` bytes (grown while no record fits), parse.
inline ParsedTable parse_file(TableParser& parser, std::string_view file, Log& log, std::size_t chunk = std::size_t(-1),
                              bool as_sparse = false) {
  ParsedTable table;
  const auto source = std::make_shared<const std::string>("t/x");
  table.schema = parser.probe(file, *source, log);
  const std::size_t dim = table.schema.feature_dim, width = table.schema.label_width;
  RawBlock block{{}, source, 0, 0, 1, 0};
  std::size_t size = std::min(chunk, file.size());
  while (!file.empty()) {
    size = std::min(size, file.size());
    block.bytes = file.substr(0, size);
    const TableParser::Cut cut = parser.cut(block, block.offset == 0, size == file.size());
    if (cut.bytes == 0) {
      REQUIRE(size < file.size());
      size += std::min(chunk, file.size() - size);
      continue;
    }
    REQUIRE(cut.bytes <= size);
    RawBlock part = block;
    part.bytes = block.bytes.subspan(cut.skip, cut.bytes - cut.skip);
    part.offset += cut.skip;
    part.records = cut.records;
    if (as_sparse) {
      SparseRows rows;
      parser.parse_sparse(part, rows, log);
      REQUIRE(rows.indptr.size() == cut.records + 1);
      for (std::size_t i = 0; i < cut.records; ++i) {
        std::vector<float> row(dim, 0.0f);
        for (std::size_t j = rows.indptr[i]; j < rows.indptr[i + 1]; ++j) {
          REQUIRE(rows.indices.at(j) < dim);
          if (j > rows.indptr[i]) REQUIRE(rows.indices[j - 1] < rows.indices[j]);
          row[rows.indices[j]] = rows.values.at(j);
        }
        table.rows.push_back(row);
      }
      table.labels.insert(table.labels.end(), rows.labels.begin(), rows.labels.end());
    } else {
      // Two runs with a gap behind each row: nothing may be written beside the rows.
      const std::size_t ld = dim + 1, first = cut.records / 2;
      std::vector<float> values(cut.records * ld, -77.0f), labels(cut.records * width, -77.0f);
      std::vector<DenseRun> runs;
      runs.push_back({first, values.data(), ld, width == 0 ? nullptr : labels.data(), nullptr});
      runs.push_back({cut.records - first, values.data() + first * ld, ld, width == 0 ? nullptr : labels.data() + first * width, nullptr});
      parser.parse_dense(part, runs, log);
      for (std::size_t i = 0; i < cut.records; ++i) {
        const float* row = values.data() + i * ld;
        table.rows.emplace_back(row, row + dim);
        REQUIRE(row[dim] == -77.0f);
      }
      table.labels.insert(table.labels.end(), labels.begin(), labels.end());
    }
    block.offset += cut.bytes;
    block.first_record += cut.records;
    block.first_line += cut.lines;
    file.remove_prefix(cut.bytes);
    size = chunk;
  }
  return table;
}

}  // namespace smtrain::formats::testing
