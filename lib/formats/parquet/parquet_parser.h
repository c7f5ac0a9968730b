// Parquet files as tables of numbers (share/doc/formats/parquet.md).
#pragma once

#include <atomic>

#include "formats/parquet/columns.h"
#include "formats/parquet/table_plan.h"
#include "formats/table_parser.h"

namespace smtrain::formats {

/// Columns of numbers, of lists of numbers of one length, and Spark's vectors. Labels as make_table_plan() has them. Later files
/// have the columns of the first by name, in any order. Nulls are missing values: NaN, or refused. Messages name file, row (from
/// 0) and column.
class ParquetParser final : public TableParser {
 public:
  explicit ParquetParser(const TableOptions& options);

  /// `head` must hold the first part of what open() gives.
  TableSchema probe(std::span<const char> head, const std::string& source, Log& log) override;
  std::unique_ptr<ByteStream> open(const InputFile& file, std::unique_ptr<ByteStream> bytes, std::string_view head) override;
  Cut cut(const RawBlock& block, bool file_start, bool at_end) override { return cutter_.cut(block, file_start, at_end); }
  std::size_t wanted(std::span<const char> begin) const override { return cutter_.wanted(begin); }
  std::size_t block_limit(std::size_t max_record_bytes) const override { return cutter_.block_limit(max_record_bytes); }
  void parse_dense(const RawBlock& block, std::span<const DenseRun> runs, Log& log) const override;
  void parse_sparse(const RawBlock& block, SparseRows& rows, Log& log) const override;

 private:
  template <class OnTile>
  void each_tile(const RawBlock& block, std::size_t most, Log& log, OnTile&& on_tile) const;
  std::vector<std::size_t> choose(const parquet::FileSummary& file);

  const TableOptions options_;
  parquet::PartCutter cutter_;
  std::vector<std::string> leaves_;  // of the first file
  parquet::TablePlan plan_;
  mutable std::atomic<bool> warned_integer_{false};
};

}  // namespace smtrain::formats
