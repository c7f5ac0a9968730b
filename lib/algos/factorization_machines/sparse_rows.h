// The rows of a batch, dense or sparse, as sparse rows of the device, some at a time.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "compute/backend.h"
#include "formats/batch.h"

namespace smtrain::fm {

/// Not thread-safe.
class RowLoader {
 public:
  explicit RowLoader(compute::Backend& backend) : backend_(backend), rows_(backend.make_sparse_rows()) {}

  using Use = std::function<void(const compute::Backend::SparseRows& rows, std::size_t first, std::size_t count)>;
  /// Calls use for consecutive runs of at most `most` rows that together are the batch. Zeros of dense rows are left out; entries
  /// for which `keep` is false are, too (empty: all are kept).
  void for_each(const formats::Batch& batch, std::size_t most, const Use& use, const std::function<bool(std::uint32_t)>& keep = {});

 private:
  void load(const formats::Batch& batch, std::size_t first, std::size_t count, const std::function<bool(std::uint32_t)>& keep);

  compute::Backend& backend_;
  std::unique_ptr<compute::Backend::SparseRows> rows_;
  std::vector<std::uint64_t> indptr_;
  std::vector<std::uint32_t> indices_;
  std::vector<float> values_;
};

}  // namespace smtrain::fm
