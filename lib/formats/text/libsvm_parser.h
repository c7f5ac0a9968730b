// libsvm text (svmlight, SVMrank) as a table of sparse rows (share/doc/formats/libsvm.md).
//
//   label[:weight] [qid:n] index:value … [# comment]
//
// Parameters: label_size=0 or 1; weights=0 and qid=0 leave these out; index_base=1 where the first index is 1;
// feature_dim=N, else the largest index of all files says it.
#pragma once

#include <atomic>
#include <optional>
#include <string_view>

#include "formats/table_parser.h"

namespace smtrain::formats {

/// Whether rows have labels, weights and query ids is as in the first row, and the same in all. Lines that are blank or hold a
/// comment alone are no rows. Indices may stand in any order, each once.
class LibsvmParser final : public TableParser {
 public:
  explicit LibsvmParser(const TableOptions& options);

  TableSchema probe(std::span<const char> head, const std::string& source, Log& log) override;
  Cut cut(const RawBlock& block, bool file_start, bool at_end) override;
  std::vector<std::uint64_t> record_lines(const RawBlock& block) const override;
  void measure(const RawBlock& block) override;
  std::size_t settle_width(const std::string& source, Log& log) override;
  void parse_dense(const RawBlock& block, std::span<const DenseRun> runs, Log& log) const override;
  void parse_sparse(const RawBlock& block, SparseRows& rows, Log& log) const override;

 private:
  /// What stands before the features of a row.
  struct RowHead {
    float label = 0, weight = 1;
    std::uint64_t qid = 0;
  };
  class Reader;

  template <class OnRow>
  void each_row(const RawBlock& block, OnRow&& on_row) const;
  bool finds_labels(std::string_view head, const std::string& source, Log& log) const;

  TableOptions options_;
  std::uint64_t index_base_ = 0;
  bool has_label_ = true, has_weight_ = false, has_qid_ = false;
  bool use_weights_ = true, use_qids_ = true;
  std::uint64_t width_ = 0;                  // 0: open
  std::atomic<std::uint64_t> measured_{0};   // the largest index plus one
  std::atomic<bool> saw_first_index_{false};
};

}  // namespace smtrain::formats
