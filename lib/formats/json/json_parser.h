// JSON instances as tables: JSON Lines, and documents with "instances" (share/doc/formats/json.md).
#pragma once

#include <atomic>
#include <functional>
#include <optional>

#include "formats/table_parser.h"

namespace smtrain::formats {

struct JsonRow;
class JsonRowReader;

/// What both JSON parsers share: the schema of the first instance, and rows into storage. Whether rows have labels ("label", a
/// number or as many numbers as there are), weights ("weight") and query ids ("qid") is as in the first one, and the same in
/// all; the content type may leave them out (label_size=0, weights=0, qid=0) or ask for labels (label_size=N), as supervised
/// channels do. Other members are ignored.
class JsonTableParser : public TableParser {
 public:
  void parse_dense(const RawBlock& block, std::span<const DenseRun> runs, Log& log) const override;
  void parse_sparse(const RawBlock& block, SparseRows& rows, Log& log) const override;

 protected:
  explicit JsonTableParser(const TableOptions& options);
  using OnRow = std::function<void(const JsonRow&)>;
  /// Calls `on_row` for each row of the block, checked against the schema.
  virtual void each_row(const RawBlock& block, Log& log, const OnRow& on_row) const = 0;
  TableSchema settle(const JsonRow& first);
  void check(const JsonRow& row) const;
  void warn_of_parameters(Log& log) const;

  TableOptions options_;
  std::optional<long> label_size_;
  TableSchema schema_;
};

/// application/jsonlines: one instance per line. Blank lines and a leading BOM are skipped; a comma behind an instance is
/// tolerated with one warning. Messages name file and line.
class JsonLinesParser final : public JsonTableParser {
 public:
  explicit JsonLinesParser(const TableOptions& options) : JsonTableParser(options) {}
  TableSchema probe(std::span<const char> head, const std::string& source, Log& log) override;
  Cut cut(const RawBlock& block, bool file_start, bool at_end) override;
  std::vector<std::uint64_t> record_lines(const RawBlock& block) const override;

 private:
  void each_row(const RawBlock& block, Log& log, const OnRow& on_row) const override;
  mutable std::atomic<bool> warned_comma_{false};
};

/// application/json: {"instances": [...]}. A whole document is one block, so it must fit in memory. Messages name file and
/// instance (from 0).
class JsonParser final : public JsonTableParser {
 public:
  explicit JsonParser(const TableOptions& options) : JsonTableParser(options) {}
  TableSchema probe(std::span<const char> head, const std::string& source, Log& log) override;
  Cut cut(const RawBlock& block, bool file_start, bool at_end) override;

 private:
  void each_row(const RawBlock& block, Log& log, const OnRow& on_row) const override;
};

}  // namespace smtrain::formats
