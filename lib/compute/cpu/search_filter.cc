#include "compute/cpu/search_filter.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/random.h"
#include "compute/cpu/threads.h"
#include "compute/eigen.h"

namespace smtrain::compute {
namespace {

constexpr std::size_t kFewRows = 4096, kShortRow = 96;  // below which the basis costs more than it saves
constexpr std::size_t kSampleRows = 2048, kMostDirections = 128, kDirectionStep = 16;
constexpr double kRestShare = 0.15;  // of the variation, that may lie outside of the basis
constexpr std::size_t kChunkRows = 1024;
constexpr double kTiny = 1e-35;  // of scores: what products lose that are too small for float32

// Rows of numbers made orthonormal, twice over (Giraud et al. 2005); a row that depends on those before it becomes zero.
void orthonormalise(std::vector<double>& rows, std::size_t count, std::size_t d) {
  const auto dot = [d](const double* a, const double* b) {
    double sums[4] = {0, 0, 0, 0};
    std::size_t j = 0;
    for (; j + 4 <= d; j += 4)
      for (std::size_t l = 0; l < 4; ++l) sums[l] += a[j + l] * b[j + l];
    for (; j < d; ++j) sums[0] += a[j] * b[j];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
  };
  for (std::size_t i = 0; i < count; ++i) {
    double* row = rows.data() + i * d;
    const double before = dot(row, row);
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t l = 0; l < i; ++l) {
        const double* other = rows.data() + l * d;
        const double part = dot(row, other);
        for (std::size_t j = 0; j < d; ++j) row[j] -= part * other[j];
      }
    }
    const double left = dot(row, row);
    const double factor = left > 1e-20 * before ? 1 / std::sqrt(left) : 0;
    for (std::size_t j = 0; j < d; ++j) row[j] *= factor;
  }
}

std::vector<float> transposed(const std::vector<double>& from, std::size_t rows, std::size_t cols) {
  std::vector<float> to(rows * cols);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < cols; ++j) to[j * rows + i] = static_cast<float>(from[i * cols + j]);
  return to;
}

// The directions in which the rows of s (m, d) vary most, strongest first, as rows of d numbers, and what they hold of the sum of
// squares: two steps of subspace iteration from random directions, then Rayleigh-Ritz (Halko, Martinsson & Tropp 2011).
struct Directions {
  std::vector<double> rows, squares;
};

Directions strongest(Backend& backend, const Mat& s, std::size_t count) {
  Queue& queue = backend.main_queue();
  const std::size_t d = s.cols;
  RandomStream random(0, "search.directions");
  Directions found{std::vector<double>(count * d), {}};
  for (double& v : found.rows) v = random.normal();
  const Mat q = backend.allocate(d, count, DType::f32), y = backend.allocate(s.rows, count, DType::f32);
  std::vector<float> host(count * d);
  for (int step = 0;; ++step) {
    orthonormalise(found.rows, count, d);
    backend.write(queue, q, transposed(found.rows, count, d).data());
    backend.gemm(queue, false, false, 1, s, q, 0, y);
    if (step == 2) break;
    backend.gemm(queue, true, false, 1, s, y, 0, q);
    backend.read(queue, host.data(), q);
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t j = 0; j < d; ++j) found.rows[i * d + j] = static_cast<double>(host[j * count + i]);
  }
  const Mat g = backend.allocate(count, count, DType::f32);
  backend.gemm(queue, true, false, 1, y, y, 0, g);
  std::vector<double> gram(count * count);
  std::copy_n(g.at<float>(), gram.size(), gram.begin());
  const Eigen eigen = largest_eigen(gram.data(), count, count);
  std::vector<double> turned(count * d, 0.0);
  for (std::size_t i = 0; i < count; ++i) {
    const double* weights = eigen.vectors.data() + (count - 1 - i) * count;
    for (std::size_t l = 0; l < count; ++l)
      for (std::size_t j = 0; j < d; ++j) turned[i * d + j] += weights[l] * found.rows[l * d + j];
    found.squares.push_back(std::max(eigen.values[count - 1 - i], 0.0));
  }
  found.rows = std::move(turned);
  return found;
}

}  // namespace

SearchFilter::SearchFilter(Backend& backend, const Mat& rows, Closeness closeness, int threads)
    : backend_(backend), closeness_(closeness), threads_(threads), d_(rows.cols), centre_(rows.cols, 0.0f), directions_(rows.cols) {
  measure(rows);
  if (rows.rows >= kFewRows && d_ >= kShortRow) choose_basis(rows);
  // Rounding of the numbers, of two projections and of a product: each sum of m terms errs by at most about m 2^-24 of the sum of its
  // terms' magnitudes, which is at most |v| |w| <= (|v|^2 + |w|^2) / 2.
  slack_ = static_cast<double>(reduces() ? 2 * d_ + directions_ + 96 : d_ + 96) * std::exp2(-24);
}

// The mean, to move the rows by, and the power of two that brings the largest number near one.
void SearchFilter::measure(const Mat& rows) {
  const std::size_t chunks = (rows.rows + kChunkRows - 1) / kChunkRows;
  std::vector<std::vector<double>> sums(chunks, std::vector<double>(d_, 0.0));
  std::vector<float> largest(chunks, 0.0f);
  [[maybe_unused]] const int team = team_size(threads_, rows.rows * d_ >> 16);
#pragma omp parallel for num_threads(team) if (team > 1) schedule(dynamic, 1)
  for (std::size_t t = 0; t < chunks; ++t) {
    const std::size_t end = std::min(rows.rows, (t + 1) * kChunkRows);
    float most = 0;
    for (std::size_t i = t * kChunkRows; i < end; ++i) {
      const float* x = rows.at<float>(i);
      double* to = sums[t].data();
      for (std::size_t j = 0; j < d_; ++j) {
        to[j] += static_cast<double>(x[j]);
        most = std::max(most, std::abs(x[j]));
      }
    }
    largest[t] = most;
  }
  float most = *std::max_element(largest.begin(), largest.end());
  if (closeness_ == Closeness::distance) {
    for (std::size_t j = 0; j < d_; ++j) {
      double sum = 0;
      for (const std::vector<double>& part : sums) sum += part[j];
      centre_[j] = static_cast<float>(sum / static_cast<double>(rows.rows));
    }
  }
  if (most > 0) scale_ = std::exp2(-std::ilogb(most) - 1);
}

void SearchFilter::choose_basis(const Mat& rows) {
  const std::size_t count = std::min(rows.rows, kSampleRows), most = std::min(kMostDirections, d_ / 2);
  const Mat sample = backend_.allocate(count, d_, DType::f32);
  double total = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Mat row = sample.row_range(i, 1);
    centre_rows(rows, i * rows.rows / count, row);
    for (std::size_t j = 0; j < d_; ++j) total += std::pow(static_cast<double>(row.at<float>()[j]), 2);
  }
  if (!(total > 0)) return;
  Directions found = strongest(backend_, sample, most);
  double held = 0;
  for (std::size_t i = 0; i < most; ++i) {
    held += found.squares[i];
    if ((i + 1) % kDirectionStep != 0 || held < (1 - kRestShare) * total) continue;
    directions_ = i + 1;
    basis_ = backend_.allocate(d_, directions_, DType::f32);
    found.rows.resize(directions_ * d_);
    backend_.write(backend_.main_queue(), basis_, transposed(found.rows, directions_, d_).data());
    return;
  }
}

// v: rows first, first + 1, ... of x, moved and scaled.
void SearchFilter::centre_rows(const Mat& x, std::size_t first, const Mat& v) const {
  [[maybe_unused]] const int team = team_size(threads_, v.rows * d_ >> 16);
#pragma omp parallel for num_threads(team) if (team > 1) schedule(static)
  for (std::size_t i = 0; i < v.rows; ++i) {
    const float* from = x.at<float>(first + i);
    float* to = v.at<float>(i);
    for (std::size_t j = 0; j < d_; ++j)
      to[j] = static_cast<float>(scale_ * (static_cast<double>(from[j]) - static_cast<double>(centre_[j])));
  }
}

SearchFilter::Short SearchFilter::shorten(const Mat& x, bool queries) const {
  Short out{backend_.allocate(x.rows, width(), DType::f32), std::vector<double>(x.rows)};
  const Mat room = backend_.allocate(std::min(kChunkRows, x.rows), d_, DType::f32);
  for (std::size_t first = 0; first < x.rows; first += kChunkRows) {
    const std::size_t count = std::min(kChunkRows, x.rows - first);
    const Mat v = room.row_range(0, count);
    centre_rows(x, first, v);
    Mat to = out.rows.row_range(first, count);
    to.cols = directions_;
    if (reduces()) backend_.gemm(backend_.main_queue(), false, false, 1, v, basis_, 0, to);
    [[maybe_unused]] const int team = team_size(threads_, count * d_ >> 16);
#pragma omp parallel for num_threads(team) if (team > 1) schedule(static)
    for (std::size_t i = 0; i < count; ++i) {
      const float* from = v.at<float>(i);
      float* p = to.at<float>(i);
      double square = 0, held = 0;
      for (std::size_t j = 0; j < d_; ++j) square += static_cast<double>(from[j]) * static_cast<double>(from[j]);
      if (!reduces()) std::copy_n(from, d_, p);
      float* more = p + directions_;
      if (reduces()) {
        for (std::size_t j = 0; j < directions_; ++j) held += static_cast<double>(p[j]) * static_cast<double>(p[j]);
        *more++ = static_cast<float>(std::sqrt(std::max(square - held, 0.0) + 2 * slack_ * square));
      }
      if (closeness_ == Closeness::product) *more = static_cast<float>((queries ? 1.0 : slack_) * std::sqrt(square));
      out.squares[first + i] = square;
    }
  }
  return out;
}

float SearchFilter::bias(double square) const {
  return closeness_ == Closeness::distance ? static_cast<float>(-(0.5 - slack_) * square) : 0.0f;
}

float SearchFilter::threshold(double query_square, double key) const {
  constexpr float lowest = -std::numeric_limits<float>::infinity();
  if (!(query_square < 1e36)) return lowest;  // its products may be too large for float32
  const double scaled = key * scale_ * scale_;
  const double score = closeness_ == Closeness::distance ? (query_square - scaled) / 2 - slack_ * query_square : -scaled;
  return std::nextafter(static_cast<float>(score - kTiny), lowest);
}

}  // namespace smtrain::compute
