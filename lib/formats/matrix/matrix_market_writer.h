// Tables out as Matrix Market text (share/doc/formats/mtx.md).
#pragma once

#include <atomic>

#include "formats/table_writer.h"

namespace smtrain::formats {

/// "coordinate real general": labels in the first columns, zeros left out, numbers as the shortest text that reads back to the
/// same bits, entries by rows. Row weights and query ids are refused.
class MatrixMarketWriter final : public TableWriter {
 public:
  void begin(const Batch& first, std::string& out) override;
  void count(const Batch& batch) override;
  void encode(const Batch& batch, std::size_t first, std::size_t count, std::string& out) const override;
  void end(std::string&) override {}
  bool begins_with_counts() const override { return true; }
  std::string beginning() const override;

 private:
  std::uint64_t rows_ = 0, batch_row_ = 0, cols_ = 0;
  mutable std::atomic<std::uint64_t> entries_{0};
};

}  // namespace smtrain::formats
