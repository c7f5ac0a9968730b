// NumPy arrays as tables (share/doc/formats/npy.md).
#pragma once

#include <atomic>
#include <optional>

#include "formats/matrix/npy_header.h"
#include "formats/table_parser.h"

namespace smtrain::formats {

/// A row per record; the first label_size columns are labels, by the rules of CSV. Arrays in C order are read in blocks; one in
/// Fortran order is a block by itself, so it must fit in memory. All files have the type, the order and the columns of the
/// first.
class NpyParser final : public TableParser {
 public:
  explicit NpyParser(const TableOptions& options) : options_(options) {}

  TableSchema probe(std::span<const char> head, const std::string& source, Log& log) override;
  void begin_file(const InputFile&) override { rows_.reset(); }
  Cut cut(const RawBlock& block, bool file_start, bool at_end) override;
  std::size_t block_limit(std::size_t max_record_bytes) const override;
  void parse_dense(const RawBlock& block, std::span<const DenseRun> runs, Log& log) const override;
  void parse_sparse(const RawBlock& block, SparseRows& rows, Log& log) const override;

 private:
  template <class OnRow>
  void each_row(const RawBlock& block, Log& log, OnRow&& on_row) const;
  void check_same(const NpyHeader& header, const std::string& source) const;
  std::size_t row_bytes() const { return static_cast<std::size_t>(first_.cols) * size_of(first_.type); }

  TableOptions options_;
  NpyHeader first_;
  std::size_t label_width_ = 0;
  std::optional<std::uint64_t> rows_;  // of the file at hand; unknown where reading did not begin at its start
  mutable std::atomic<bool> warned_float64_{false}, warned_integer_{false};
};

}  // namespace smtrain::formats
