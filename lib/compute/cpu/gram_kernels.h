// The table of kernels behind add_gram: one per instruction set, plain pointers and sizes.
// As with nearest_kernels.h, this header and gram_tile.h are all that the sources of one instruction set include.
#pragma once

#include <cstddef>

namespace smtrain::compute {

struct GramKernels {
  const char* name;
  std::size_t strip;  ///< columns of a strip: `rows` rows of so many numbers, packed
  /// to (strip, strip) += transposed(a) b of two strips. Each number is one chain of sums over the rows, the first one first.
  void (*add_product)(const double* a, const double* b, std::size_t rows, double* to, std::size_t ld);
};

/// The widest strip of any table.
constexpr std::size_t kMostStrip = 24;

extern const GramKernels kGramBaseline;
#if defined(__x86_64__)
extern const GramKernels kGramAvx2;
extern const GramKernels kGramAvx512;
#endif

}  // namespace smtrain::compute
