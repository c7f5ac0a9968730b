// The table of kernels behind top_nearest: one per instruction set, plain pointers and sizes. As nearest_kernels.h, this header
// and search_tile.h are all that the sources of one instruction set include.
#pragma once

#include <cstddef>
#include <cstdint>

namespace smtrain::compute {

/// Where a panel's rows go that a query may want: those of query i at i * capacity, counts[i] of them. A panel adds at most
/// panel_rows to each.
struct SearchHits {
  std::int32_t* ids = nullptr;
  float* scores = nullptr;
  std::uint32_t* counts = nullptr;
  std::size_t capacity = 0;
};

/// block_queries of every table is at most this.
constexpr std::size_t kMostBlockQueries = 64;
/// panel_rows of every table is at most this.
constexpr std::size_t kMostPanelRows = 48;

struct SearchKernels {
  const char* name;
  std::size_t panel_rows;     ///< rows beside each other in a panel: for each of its numbers, that of every row
  std::size_t block_queries;  ///< the most queries that `scan` takes at once

  /// Scores of the rows of one panel, bias + q . row in float32, for `n` <= block_queries queries of `width` numbers; those not below
  /// the query's threshold (a NaN is not) are added to its hits. `first` is the number of the panel's first row.
  void (*scan)(const float* panel, const float* bias, std::size_t width, std::int32_t first, const float* q, std::size_t ldq,
               std::size_t n, const float* thresholds, const SearchHits& hits);
  /// sum (a - b)^2 in float64; when it is beyond `limit`, perhaps only a part of it that is beyond, too.
  double (*distance)(const float* a, const float* b, std::size_t d, double limit);
  /// sum a b in float64.
  double (*product)(const float* a, const float* b, std::size_t d);
};

extern const SearchKernels kSearchBaseline;
#if defined(__x86_64__)
extern const SearchKernels kSearchAvx2;
extern const SearchKernels kSearchAvx512;
#endif

}  // namespace smtrain::compute
