// How operations are cut into blocks, and what memory they need on the way: of shapes alone.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "gpu/kernels/nearest_tile.h"
#include "gpu/kernels/segment_sum.h"
#include "gpu/kernels/small_kernels.h"
#include "gpu/kernels/sort_rows.h"

namespace smtrain::gpu {

enum class TileWidth { narrow, middle, wide };

struct NearestPlan {
  TileWidth width = TileWidth::wide;
  std::size_t parts = 1;  ///< blocks that share the centres of one tile of rows
};

/// Few rows would leave most of a large device idle: then several blocks share the centres. The answer does not depend on it.
inline NearestPlan plan_nearest(std::size_t n, std::size_t k) {
  constexpr std::size_t kBlocksWanted = 264, kMostParts = 16;  // two for each of 132 multiprocessors
  NearestPlan plan;
  std::size_t columns = NearestWide::kColumns;
  if (k <= NearestNarrow::kColumns) {
    plan.width = TileWidth::narrow;
    columns = NearestNarrow::kColumns;
  } else if (k <= NearestMiddle::kColumns) {
    plan.width = TileWidth::middle;
    columns = NearestMiddle::kColumns;
  }
  const std::size_t tiles = std::max<std::size_t>(ceil_div(n, NearestWide::kRows), 1);
  plan.parts = std::clamp<std::size_t>(kBlocksWanted / tiles, 1, std::min(ceil_div(k, columns), kMostParts));
  return plan;
}

/// Rows of x (n, d) that nearest_sum takes at once, so that its memory stays below some hundred MiB.
inline std::size_t piece_rows(std::size_t d) {
  return std::clamp<std::size_t>((std::size_t{1} << 28) / (d + 1) / 4096 * 4096, 4096, std::size_t{1} << 22);
}

/// Places in one block of device memory, each at a multiple of 256 bytes.
class Layout {
 public:
  template <class T>
  std::size_t place(std::size_t count) {
    const std::size_t at = bytes_;
    bytes_ += ceil_div(count * sizeof(T), 256) * 256;
    return at;
  }
  std::size_t bytes() const { return bytes_; }

 private:
  std::size_t bytes_ = 0;
};

/// Scratch memory of a sort of n rows.
struct SortScratch {
  SortScratch() = default;
  SortScratch(Layout& layout, std::size_t n) {
    for (int i = 0; i < 2; ++i) {
      keys[i] = layout.place<std::int32_t>(n);
      rows[i] = layout.place<std::uint32_t>(n);
    }
    digit_totals = layout.place<std::uint32_t>(DigitTile::kDigits * ceil_div(n, DigitTile::kTile));
  }

  std::size_t digit_totals = 0, keys[2] = {0, 0}, rows[2] = {0, 0};
};

/// Scratch memory of nearest and nearest_sum for n rows.
struct Scratch {
  Scratch(std::size_t n, std::size_t d, std::size_t parts, bool sums, bool own_ids, bool loss) {
    if (parts > 1) {
      part_ids = layout.place<std::int32_t>(parts * n);
      part_scores = layout.place<float>(parts * n);
    }
    if (!sums) return;
    if (own_ids) ids = layout.place<std::int32_t>(n);
    if (loss) {
      distances = layout.place<float>(n);
      loss_tiles = layout.place<double>(ceil_div(n, LossTiles::kTile));
    }
    sort = SortScratch(layout, n);
    heads = layout.place<double>(Segments::chunks_of(n) * (d + 1));
    tails = layout.place<double>(Segments::chunks_of(n) * (d + 1));
  }

  Layout layout;
  SortScratch sort;
  std::size_t part_ids = 0, part_scores = 0, ids = 0, distances = 0, loss_tiles = 0, heads = 0, tails = 0;
};

/// Columns of r (rows, p) that multiply_transposed takes at once: threads enough for any device, and memory of some 16 MiB.
inline std::size_t piece_columns(std::size_t nonzeros, std::size_t p) {
  const std::size_t chunks = std::max<std::size_t>(SortedKeys::chunks_of(nonzeros), 1);
  return std::clamp<std::size_t>((std::size_t{1} << 20) / chunks, 1, p);
}

}  // namespace smtrain::gpu
