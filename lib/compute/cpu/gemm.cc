#include "compute/cpu/gemm.h"

#include <cblas.h>
#include <omp.h>

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "base/memory.h"
#include "compute/cpu/threads.h"

namespace smtrain::compute {
namespace {

// A group of rows is whole vectors, however OpenBLAS unrolls them (16, 24, 48).
constexpr std::size_t kGroupRows = 48, kTileRows = 5 * kGroupRows, kTileCols = 512;

template <class T>
struct Operand {
  T* data;
  std::size_t ld;
  bool transposed;
  T* at(std::size_t row, std::size_t col) const { return transposed ? data + col * ld + row : data + row * ld + col; }
};

// OpenBLAS asks OpenMP how many threads it may use, and a region of one thread or none at all would mean all of them.
class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

CBLAS_TRANSPOSE flag(bool transposed) { return transposed ? CblasTrans : CblasNoTrans; }
blasint whole(std::size_t n) { return static_cast<blasint>(n); }

// to (cols, rows) = alpha * transposed(a b)
void call(std::size_t rows, std::size_t cols, std::size_t k, float alpha, const Operand<float>& a, const Operand<float>& b,
          float* to) {
  cblas_sgemm(CblasRowMajor, flag(!b.transposed), flag(!a.transposed), whole(cols), whole(rows), whole(k), alpha, b.data,
              whole(b.ld), a.data, whole(a.ld), 0, to, whole(rows));
}
void call(std::size_t rows, std::size_t cols, std::size_t k, double alpha, const Operand<double>& a, const Operand<double>& b,
          double* to) {
  cblas_dgemm(CblasRowMajor, flag(!b.transposed), flag(!a.transposed), whole(cols), whole(rows), whole(k), alpha, b.data,
              whole(b.ld), a.data, whole(a.ld), 0, to, whole(rows));
}

// Rows of the tail after padding. OpenBLAS has other kernels for small products on some CPUs; where a full tile would be
// near that size, the tail is padded to a full tile, so that both take the same path.
std::size_t padded(std::size_t rows, std::size_t n, std::size_t k) {
  return n * k <= 65536 ? kTileRows : (rows + kGroupRows - 1) / kGroupRows * kGroupRows;
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
Gemm::Gemm(int threads) : threads_(std::min(threads, 64)) { require_openmp_blas(); }

template <class T>
void Gemm::run_as(bool transpose_a, bool transpose_b, double alpha, const Mat& a, const Mat& b, double beta, const Mat& c) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const std::size_t m = c.rows, n = c.cols, k = transpose_a ? a.rows : a.cols;
  const Operand<T> all_a{a.at<T>(), a.ld, transpose_a}, all_b{b.at<T>(), b.ld, transpose_b};
  const std::size_t full = m / kTileRows * kTileRows, rest = m - full, tail_rows = padded(rest, n, k);
  Operand<T> tail{nullptr, transpose_a ? tail_rows : std::max<std::size_t>(k, 1), transpose_a};
  if (rest > 0) {
    tail_.resize(std::max(tail_.size(), tail_rows * k));
    tail.data = reinterpret_cast<T*>(tail_.data());
    std::fill_n(tail.data, tail_rows * k, T{0});
    for (std::size_t i = 0; i < rest; ++i)
      for (std::size_t l = 0; l < k; ++l) *tail.at(i, l) = *all_a.at(full + i, l);
  }
  while (tiles_.size() < static_cast<std::size_t>(threads_))
    tiles_.push_back(allocate_aligned(kTileRows * kTileCols * sizeof(double)));
  const std::size_t row_tiles = (m + kTileRows - 1) / kTileRows, col_tiles = (n + kTileCols - 1) / kTileCols;
  [[maybe_unused]] const int team = team_size(threads_, row_tiles * col_tiles);
#pragma omp parallel for num_threads(team) if (team > 1) schedule(dynamic, 1)
  for (std::size_t t = 0; t < row_tiles * col_tiles; ++t) {
    const OneThread guard;
    const std::size_t row = t / col_tiles * kTileRows, col = t % col_tiles * kTileCols, cols = std::min(kTileCols, n - col);
    const bool is_full = row < full;
    const std::size_t rows = is_full ? kTileRows : tail_rows;
    const Operand<T> left = is_full ? Operand<T>{all_a.at(row, 0), all_a.ld, all_a.transposed} : tail;
    const Operand<T> right{all_b.at(0, col), all_b.ld, all_b.transposed};
    T* tile = reinterpret_cast<T*>(tiles_[static_cast<std::size_t>(thread_number())].get());
    call(rows, cols, k, static_cast<T>(alpha), left, right, tile);
    add_transposed(tile, rows, is_full ? rows : rest, cols, static_cast<T>(beta), c.at<T>(row) + col, c.ld);
  }
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
