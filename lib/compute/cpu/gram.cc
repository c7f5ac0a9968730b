#include "compute/cpu/gram.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/memory.h"
#include "compute/cpu/threads.h"

namespace smtrain::compute {
namespace {

// Two blocks of strips and their product stay in the second-level cache for a panel of rows. A slice of rows is packed at once; each costs
// the threads a wait for each other.
constexpr std::size_t kBlockColumns = 120, kPanelRows = 480, kSliceRows = 2 * kPanelRows;
[[maybe_unused]] constexpr std::size_t kPackRows = 32;
// Multiplications below which waking a thread costs more than it saves.
[[maybe_unused]] constexpr std::size_t kWork = std::size_t{1} << 18;

// Blocks of strips on and above the diagonal, by their first strips.
std::vector<std::pair<std::size_t, std::size_t>> upper_blocks(std::size_t strips, std::size_t side) {
  std::vector<std::pair<std::size_t, std::size_t>> blocks;
  for (std::size_t i = 0; i < strips; i += side)
    for (std::size_t j = i; j < strips; j += side) blocks.emplace_back(i, j);
  return blocks;
}

}  // namespace

const GramKernels& gram_kernels(KernelLevel level) {
#if defined(__x86_64__)
  if (level == KernelLevel::avx512) return kGramAvx512;
  if (level == KernelLevel::avx2) return kGramAvx2;
#endif
  (void)level;
  return kGramBaseline;
}

void Gram::add(const RowsView& y, double* g, std::size_t ld) {
  for (std::size_t first = 0; first < y.rows; first += kSliceRows) {
    add_slice({y.at + first * y.ld, std::min(kSliceRows, y.rows - first), y.cols, y.ld}, g, ld);
  }
}

void Gram::add_slice(const RowsView& y, double* g, std::size_t ld) {
  const std::size_t strips = (y.cols + kernels_.strip - 1) / kernels_.strip, side = kBlockColumns / kernels_.strip;
  if (const std::size_t numbers = strips * kernels_.strip * y.rows; room_ < numbers) {
    packed_ = {};
    packed_ = allocate_array<double>(numbers);
    room_ = numbers;
  }
  const std::vector<std::pair<std::size_t, std::size_t>> blocks = upper_blocks(strips, side);
  [[maybe_unused]] const int team = team_size(threads_, std::min(blocks.size(), y.rows * y.cols * y.cols / kWork));
#pragma omp parallel num_threads(team) if (team > 1)
  {
#pragma omp for schedule(dynamic, 1)
    for (std::size_t first = 0; first < y.rows; first += kPackRows) pack(y, first, std::min(first + kPackRows, y.rows));
#pragma omp for schedule(dynamic, 1)
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      const auto [top, left] = blocks[b];
      for (std::size_t first = 0; first < y.rows; first += kPanelRows)
        for (std::size_t j = left; j < std::min(left + side, strips); ++j)
          for (std::size_t i = top; i < std::min(top + side, j + 1); ++i) add_strips(y, {i, j}, first, g, ld);
    }
  }
}

// Rows first … end of all strips; the last one is filled up with zeros.
void Gram::pack(const RowsView& y, std::size_t first, std::size_t end) {
  const std::size_t width = kernels_.strip;
  double* strip = packed_.get();
  for (std::size_t j = 0; j < y.cols; j += width, strip += y.rows * width) {
    const std::size_t count = std::min(width, y.cols - j);
    for (std::size_t i = first; i < end; ++i) {
      double* to = strip + i * width;
      std::copy_n(y.at + i * y.ld + j, count, to);
      std::fill(to + count, to + width, 0.0);
    }
  }
}

// What the panel from row `first` on adds to the product of two strips.
void Gram::add_strips(const RowsView& y, std::pair<std::size_t, std::size_t> strips, std::size_t first, double* g, std::size_t ld) const {
  const std::size_t width = kernels_.strip, rows = std::min(kPanelRows, y.rows - first);
  const std::size_t row = strips.first * width, col = strips.second * width;
  const double *a = packed_.get() + (row * y.rows + first * width), *b = packed_.get() + (col * y.rows + first * width);
  if (col + width <= y.cols) return kernels_.add_product(a, b, rows, g + row * ld + col, ld);
  double whole[kMostStrip * kMostStrip] = {};
  kernels_.add_product(a, b, rows, whole, width);
  for (std::size_t r = 0; r < std::min(width, y.cols - row); ++r)
    for (std::size_t c = 0; c < y.cols - col; ++c) g[(row + r) * ld + col + c] += whole[r * width + c];
}

}  // namespace smtrain::compute
