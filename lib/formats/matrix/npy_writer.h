// Tables out as NumPy arrays (share/doc/formats/npy.md).
#pragma once

#include "formats/table_writer.h"

namespace smtrain::formats {

/// One float32 matrix in C order, version 1.0: labels in the first columns, sparse rows with their zeros. Row weights and query
/// ids are refused.
class NpyWriter final : public TableWriter {
 public:
  void begin(const Batch& first, std::string& out) override;
  void count(const Batch& batch) override { rows_ += batch.rows; }
  void encode(const Batch& batch, std::size_t first, std::size_t count, std::string& out) const override;
  void end(std::string&) override {}
  bool begins_with_counts() const override { return true; }
  std::string beginning() const override;

 private:
  std::uint64_t rows_ = 0, cols_ = 0;
};

}  // namespace smtrain::formats
