#include "compute/cpu/gram.h"

#include <cblas.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/error.h"
#include "compute/cpu/one_thread.h"
#include "compute/cpu/threads.h"

namespace smtrain::compute {
namespace {

constexpr std::size_t kTile = 128, kVector = 8;

// Tiles of one width, so that threads share them evenly: whole vectors, about kTile columns.
std::size_t tile_width(std::size_t cols) {
  const std::size_t tiles = (cols + kTile - 1) / kTile;
  return ((cols + tiles - 1) / tiles + kVector - 1) / kVector * kVector;
}

// More than 64 callers at once crash OpenBLAS.
int team_for(int threads, std::size_t tiles) { return team_size(std::min(threads, 64), tiles); }

}  // namespace

void add_gram(const RowsView& y, double* g, std::size_t ld, int threads) {
  const std::size_t width = tile_width(y.cols);
  std::vector<std::pair<std::size_t, std::size_t>> tiles;
  for (std::size_t i = 0; i < y.cols; i += width)
    for (std::size_t j = i; j < y.cols; j += width) tiles.emplace_back(i, j);
  ExceptionTrap trap;
  [[maybe_unused]] const int team = team_for(threads, tiles.size());
#pragma omp parallel for num_threads(team) if (team > 1) schedule(dynamic, 1)
  for (std::size_t t = 0; t < tiles.size(); ++t) {
    trap.run(t, [&] {
      const OneThread guard;
      const auto [i, j] = tiles[t];
      const auto size = [&](std::size_t first) { return static_cast<blasint>(std::min(width, y.cols - first)); };
      cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, size(i), size(j), static_cast<blasint>(y.rows), 1.0, y.at + i,
                  static_cast<blasint>(y.ld), y.at + j, static_cast<blasint>(y.ld), 1.0, g + i * ld + j, static_cast<blasint>(ld));
    });
  }
  trap.rethrow();
}

}  // namespace smtrain::compute
