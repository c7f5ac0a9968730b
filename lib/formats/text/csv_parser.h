// CSV as a table of numbers: RFC 4180 with the parameters of the content type (data-formats.md §2).
//
// Parameters: label_size=N (the first N columns are labels), or label=NAME or label=INDEX, several with commas, an INDEX
// from 0 or negative from the end; weights=1 (the first column that is no label is the weight of its row), or weight=NAME or
// weight=INDEX; header=true; delimiter, one character or tab, space, comma, semicolon, pipe, colon;
// quote, one character or none; encoding or charset, utf-8 only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/table_parser.h"
#include "formats/text/csv_scan.h"

namespace smtrain::formats {

class CsvParser final : public TableParser {
 public:
  explicit CsvParser(const TableOptions& options);

  TableSchema probe(std::span<const char> head, const std::string& source, Log& log) override;
  /// Blank lines are taken in without a record; one that anything but the end of the file follows is refused.
  Cut cut(const RawBlock& block, bool file_start, bool at_end) override;
  std::vector<std::uint64_t> record_lines(const RawBlock& block) const override;
  void parse_dense(const RawBlock& block, std::span<const DenseRun> runs, Log& log) const override;
  void parse_sparse(const RawBlock& block, SparseRows& rows, Log& log) const override;

 private:
  /// Neighbouring columns that go to neighbouring places.
  struct Segment {
    enum class Part { feature, label, weight } part = Part::feature;
    std::size_t start = 0;  ///< the first place among the columns of that part
    std::size_t count = 0;
  };
  class Reader;

  void read_parameters();
  void report_unknown_parameters(Log& log) const;
  std::size_t named_column(const char* parameter, const std::string& name, std::size_t columns, const std::string& where) const;
  std::vector<std::size_t> label_columns(std::size_t columns, const std::string& where, Log& log) const;
  Segment::Part part_of(std::size_t column) const;
  bool wants_weights() const;
  std::size_t weight_column(std::span<const std::size_t> labels, const std::string& where) const;
  void settle_columns(std::size_t columns, const std::string& where, Log& log);
  void check_header(std::string_view line, const std::string& source) const;
  std::size_t skip_start(const RawBlock& block, bool at_end) const;
  void cut_lines(const RawBlock& block, bool at_end, Cut& cut);
  void cut_plain(const RawBlock& block, bool at_end, Cut& cut);

  TableOptions options_;
  CsvDialect dialect_;
  bool has_header_ = false;

  std::size_t columns_ = 0;
  std::size_t feature_dim_ = 0;
  std::size_t label_width_ = 0;
  bool weights_ = false;
  std::vector<std::string> names_;  // of all columns; empty without a header
  std::vector<Segment> segments_;

  std::uint64_t blank_line_ = 0;  // a blank line that cut() has passed since the last record; 0: none
};

}  // namespace smtrain::formats
