// RecordIoParser: recordIO-protobuf files as tables (share/doc/formats/recordio.md).
#pragma once

#include <atomic>

#include "formats/recordio/record.h"
#include "formats/table_parser.h"

namespace smtrain::formats {

/// Reads features["values"] and label["values"] of every record: dense and sparse rows, also mixed; float32, float64 and
/// int32 tensors, turned into float32 with one warning for float64 and one for integers beyond 2^24. feature_dim, the number
/// of labels and whether rows are kept sparse come from the first record. Sparse records may have their keys in any order,
/// and may lack a shape where feature_dim is known already. Labels beyond those of the first record's width are refused;
/// labels are ignored when the first record has none.
///
/// Messages name the file, the record (from 0), the byte offset of its magic word, the field path, what was found and what
/// was expected. A padding that is missing at the very end of a file is tolerated with one warning.
class RecordIoParser final : public TableParser {
 public:
  explicit RecordIoParser(const TableOptions& options) : options_(options) {}

  TableSchema probe(std::span<const char> head, const std::string& source, Log& log) override;
  Cut cut(const RawBlock& block, bool file_start, bool at_end) override;
  void parse_dense(const RawBlock& block, std::span<const DenseRun> runs, Log& log) const override;
  void parse_sparse(const RawBlock& block, SparseRows& rows, Log& log) const override;

 private:
  template <class OnRow>
  void each_record(const RawBlock& block, Log& log, OnRow&& on_row) const;
  bool check(const recordio::Record& record, const RawBlock& block, Log& log) const;
  void convert(const recordio::Tensor& tensor, const char* map, float* out) const;
  void warn_of_precision(const recordio::Tensor& tensor, const char* map, const RawBlock& block, Log& log) const;

  TableOptions options_;
  TableSchema schema_;
  mutable std::atomic<bool> warned_float64_{false}, warned_integer_{false}, warned_padding_{false};
};

}  // namespace smtrain::formats
