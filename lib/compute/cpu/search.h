// The nearest rows on the CPU: a filter in registers, then the few rows that pass it, looked at in float64.
#pragma once

#include <memory>

#include "base/machine.h"
#include "compute/backend.h"
#include "compute/cpu/search_filter.h"
#include "compute/cpu/search_kernels.h"

namespace smtrain::compute {

/// The kernels of a level that the CPU has.
const SearchKernels& search_kernels(KernelLevel level);

/// Rows with their short forms packed for the kernels; the rows themselves are not copied. Any number of readers.
class SearchPoints final : public Backend::Points {
 public:
  SearchPoints(Backend& backend, const SearchKernels& kernels, const Mat& rows, Closeness closeness, int threads);

  /// The operation top_nearest (backend.h), on up to `threads` threads.
  void find(const Mat& x, const Mat& ids, const Mat& scores, int threads) const;

  const SearchKernels& kernels() const { return kernels_; }
  const Mat& rows() const { return rows_; }

 private:
  struct Neighbour;
  class Task;
  void find_chunk(const Mat& x, const Mat& ids, const Mat& scores, int threads) const;
  std::size_t panels() const { return (rows_.rows + kernels_.panel_rows - 1) / kernels_.panel_rows; }

  const SearchKernels& kernels_;
  const Mat rows_;
  const Closeness closeness_;
  const SearchFilter filter_;
  std::shared_ptr<float> packed_, bias_;
};

}  // namespace smtrain::compute
