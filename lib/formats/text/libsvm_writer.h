// Tables out as libsvm text (share/doc/formats/libsvm.md).
#pragma once

#include "formats/table_writer.h"

namespace smtrain::formats {

/// label[:weight] [qid:n] index:value …, numbers as the shortest text that reads back to the same bits. Zeros of dense rows are
/// left out; what is stored in sparse rows is written. Indices count from 0, or from 1 with index_base=1 in the type. More than
/// one label is refused, and weights or query ids without a label.
class LibsvmWriter final : public TableWriter {
 public:
  explicit LibsvmWriter(const TableWriterOptions& options);
  void begin(const Batch& first, std::string& out) override;
  void encode(const Batch& batch, std::size_t first, std::size_t count, std::string& out) const override;
  void end(std::string&) override {}

 private:
  std::uint64_t index_base_ = 0;
};

}  // namespace smtrain::formats
