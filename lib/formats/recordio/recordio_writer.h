// RecordIoWriter: tables as recordIO-protobuf (share/doc/formats/recordio.md).
#pragma once

#include "formats/table_writer.h"

namespace smtrain::formats {

/// Writes one Record per row with float32 tensors: features["values"] dense or sparse as the batch is, and label["values"]
/// when there are labels. Row weights and query ids have no place in the format and are refused. The bytes are those of the
/// standard protobuf library. A row of 2^29 bytes or more is refused.
class RecordIoWriter final : public TableWriter {
 public:
  explicit RecordIoWriter(const TableWriterOptions& options) : split_(options.recordio_split) {}

  void begin(const Batch& first, std::string& out) override;
  void encode(const Batch& batch, std::size_t first, std::size_t count, std::string& out) const override;
  void end(std::string& out) override;

 private:
  bool split_;
};

}  // namespace smtrain::formats
