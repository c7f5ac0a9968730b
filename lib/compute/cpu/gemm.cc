#include "compute/cpu/gemm.h"

#include <cblas.h>

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "compute/cpu/one_thread.h"
#include "compute/cpu/threads.h"

namespace smtrain::compute {
namespace {

// A group of rows is whole vectors, however OpenBLAS unrolls them (8, 16, 24, 48). A tile with its margins is below 320
// rows, where the Haswell sgemm would cut it in two and round at the cut.
constexpr std::size_t kGroupRows = 48, kMargin = 24, kTileRows = 5 * kGroupRows, kTileCols = 512;

template <class T>
struct Operand {
  T* data;
  std::size_t ld;
  bool transposed;
  T* at(std::size_t row, std::size_t col) const { return transposed ? data + col * ld + row : data + row * ld + col; }
};

blasint whole(std::size_t n) { return static_cast<blasint>(n); }

// to (cols, rows) = alpha * transposed(a b) of a (rows, k), packed
void call(std::size_t rows, std::size_t cols, std::size_t k, float alpha, const float* a, const Operand<float>& b, float* to) {
  cblas_sgemm(CblasRowMajor, b.transposed ? CblasNoTrans : CblasTrans, CblasTrans, whole(cols), whole(rows), whole(k), alpha,
              b.data, whole(b.ld), a, whole(std::max<std::size_t>(k, 1)), 0, to, whole(rows));
}
void call(std::size_t rows, std::size_t cols, std::size_t k, double alpha, const double* a, const Operand<double>& b,
          double* to) {
  cblas_dgemm(CblasRowMajor, b.transposed ? CblasNoTrans : CblasTrans, CblasTrans, whole(cols), whole(rows), whole(k), alpha,
              b.data, whole(b.ld), a, whole(std::max<std::size_t>(k, 1)), 0, to, whole(rows));
}

// Rows of a tile after padding. OpenBLAS has other kernels for small products on some CPUs; where a full tile would be near
// that size, every tile is full, so that all take the same path.
std::size_t padded(std::size_t rows, std::size_t n, std::size_t k) {
  return n * k <= 65536 ? kTileRows : (rows + kGroupRows - 1) / kGroupRows * kGroupRows;
}

template <class T>
T* room(std::vector<double>& scratch, std::size_t count) {
  const std::size_t numbers = (count * sizeof(T) + sizeof(double) - 1) / sizeof(double);
  if (scratch.size() < numbers) scratch.resize(numbers);
  return reinterpret_cast<T*>(scratch.data());
}

// Rows of a between margins of zeros, packed.
template <class T>
void pack_rows(const Operand<T>& a, std::size_t rows, std::size_t all, std::size_t k, T* to) {
  std::fill_n(to, kMargin * k, T{0});
  T* at = to + kMargin * k;
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t l = 0; l < k; ++l) *at++ = *a.at(i, l);
  std::fill(at, to + all * k, T{0});
}

// c = beta * c + transposed(tile), in blocks that stay in the first-level cache.
template <class T>
void add_transposed(const T* tile, std::size_t tile_ld, std::size_t rows, std::size_t cols, T beta, T* c, std::size_t ld) {
  constexpr std::size_t block = 16;
  for (std::size_t j0 = 0; j0 < cols; j0 += block) {
    const std::size_t j1 = std::min(cols, j0 + block);
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t j = j0; j < j1; ++j) {
        T& to = c[i * ld + j];
        to = beta == T{0} ? tile[j * tile_ld + i] : beta * to + tile[j * tile_ld + i];
      }
  }
}

}  // namespace

void require_openmp_blas() {
  if (const int kind = openblas_get_parallel(); kind != OPENBLAS_OPENMP)
    throw machine_error("this OpenBLAS is the {} build; smtrain needs the OpenMP one: install libopenblas0-openmp",
                        kind == OPENBLAS_THREAD ? "pthread" : "sequential");
}

// More than 64 callers at once crash OpenBLAS.
Gemm::Gemm(int threads) : threads_(std::min(threads, 64)), scratch_(static_cast<std::size_t>(threads_)) { require_openmp_blas(); }

template <class T>
void Gemm::run_as(bool transpose_a, bool transpose_b, double alpha, const Mat& a, const Mat& b, double beta, const Mat& c) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const std::size_t m = c.rows, n = c.cols, k = transpose_a ? a.rows : a.cols;
  const Operand<T> all_a{a.at<T>(), a.ld, transpose_a}, all_b{b.at<T>(), b.ld, transpose_b};
  const std::size_t row_tiles = (m + kTileRows - 1) / kTileRows, col_tiles = (n + kTileCols - 1) / kTileCols;
  [[maybe_unused]] const int team = team_size(threads_, row_tiles * col_tiles);
  ExceptionTrap trap;
#pragma omp parallel for num_threads(team) if (team > 1) schedule(dynamic, 1)
  for (std::size_t t = 0; t < row_tiles * col_tiles; ++t) {
    trap.run(t, [&] {
      const OneThread guard;
      Scratch& scratch = scratch_[static_cast<std::size_t>(thread_number())];
      const std::size_t row = t / col_tiles * kTileRows, rows = std::min(kTileRows, m - row);
      const std::size_t col = t % col_tiles * kTileCols, cols = std::min(kTileCols, n - col);
      const std::size_t all = padded(rows, n, k) + 2 * kMargin;
      T* packed = room<T>(scratch.rows, all * k);
      T* tile = room<T>(scratch.tile, all * cols);
      pack_rows({all_a.at(row, 0), all_a.ld, all_a.transposed}, rows, all, k, packed);
      call(all, cols, k, static_cast<T>(alpha), packed, {all_b.at(0, col), all_b.ld, all_b.transposed}, tile);
      add_transposed(tile + kMargin, all, rows, cols, static_cast<T>(beta), c.at<T>(row) + col, c.ld);
    });
  }
  trap.rethrow();
}

void Gemm::run(bool transpose_a, bool transpose_b, double alpha, const Mat& a, const Mat& b, double beta, const Mat& c) {
  constexpr std::size_t most = std::numeric_limits<blasint>::max();
  for (const Mat* m : {&a, &b, &c})
    if (std::max({m->rows, m->cols, m->ld}) > most) throw internal_error("gemm: a side of more than {} numbers", most);
  if (c.empty()) return;
  if (c.dtype == DType::f64) return run_as<double>(transpose_a, transpose_b, alpha, a, b, beta, c);
  run_as<float>(transpose_a, transpose_b, alpha, a, b, beta, c);
}

}  // namespace smtrain::compute
