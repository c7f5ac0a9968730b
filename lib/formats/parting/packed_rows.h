// Rows of a table as packed records, and back.
#pragma once

#include "formats/batch.h"
#include "formats/parting/packed_records.h"
#include "formats/table_parser.h"

namespace smtrain::formats {

/// How the rows of a table are packed: labels, weight, query, then all values, or of sparse rows their indices and values. Bytes
/// are those of this machine.
class RowPacking {
 public:
  explicit RowPacking(const TableSchema& schema) : schema_(schema) {}

  /// Appends row `row` of `batch`, which has this schema, without ending the record.
  void append(const Batch& batch, std::size_t row, std::string& out) const;
  /// The records as a batch with memory of its own.
  Batch unpack(const PackedRecords& records) const;

 private:

  TableSchema schema_;
};

}  // namespace smtrain::formats
