// Matrix Market files as tables (share/doc/formats/mtx.md).
#pragma once

#include <optional>

#include "formats/table_parser.h"

namespace smtrain::formats {

/// Coordinate and array files; real, double, integer and pattern; general, symmetric and skew-symmetric. Coordinates give sparse
/// rows, arrays dense ones. Entries come in any order, so that a file is read whole: at most 4 GiB of it. The first label_size
/// columns are labels, by the rules of CSV. All files have the form and the columns of the first.
class MatrixMarketParser final : public TableParser {
 public:
  explicit MatrixMarketParser(const TableOptions& options) : options_(options) {}

  TableSchema probe(std::span<const char> head, const std::string& source, Log& log) override;
  Cut cut(const RawBlock& block, bool file_start, bool at_end) override;
  std::size_t block_limit(std::size_t max_record_bytes) const override;
  void parse_dense(const RawBlock& block, std::span<const DenseRun> runs, Log& log) const override;
  void parse_sparse(const RawBlock& block, SparseRows& rows, Log& log) const override;

 private:
  enum class Symmetry { general, symmetric, skew };
  struct Header {
    bool coordinate = false, pattern = false;
    Symmetry symmetry = Symmetry::general;
    std::uint64_t rows = 0, cols = 0, entries = 0;
    std::uint64_t lines = 0;   ///< of the header
    std::size_t bytes = 0;     ///< of the header
  };
  /// The entries of a file by rows.
  struct Rows {
    std::vector<std::uint64_t> indptr;
    std::vector<std::uint32_t> cols;
    std::vector<float> values;
  };
  class Entries;

  static std::optional<Header> read_header(std::string_view text, const std::string& source);
  void check_same(const Header& header, const std::string& source) const;
  Rows rows_of(const RawBlock& block) const;
  template <class OnRow>
  void each_row(const RawBlock& block, OnRow&& on_row) const;

  TableOptions options_;
  Header first_;
  std::size_t label_width_ = 0;
};

}  // namespace smtrain::formats
