#include "compute/cpu/sparse_rows.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "base/error.h"
#include "compute/cpu/threads.h"

namespace smtrain::compute {
namespace {

constexpr std::size_t kDigitBits = 11, kBuckets = std::size_t{1} << kDigitBits;
constexpr std::size_t kSortPart = std::size_t{1} << 14;  // entries below which a thread is not worth its waking
constexpr std::size_t kWork = std::size_t{1} << 15;      // multiplications, likewise
[[maybe_unused]] constexpr std::size_t kColumnsPerTask = 64, kRowsPerTask = 16;

}  // namespace

void CpuSparseRows::load(const CsrView& from, const float* scale, std::shared_ptr<const void> owner, int threads) {
  view_ = from;
  owner_ = std::move(owner);
  columns_.clear();
  starts_.assign(1, 0);
  if (from.rows == 0) return;
  if (nonzeros() > std::numeric_limits<std::uint32_t>::max() || from.rows > std::numeric_limits<std::uint32_t>::max()) {
    throw internal_error("load: {} rows with {} numbers at once; expected fewer than 2^32", from.rows, nonzeros());
  }
  if (scale != nullptr) scale_values(scale, threads);
  sort_entries(threads);
  gather_columns();
}

void CpuSparseRows::scale_values(const float* scale, int threads) {
  const std::size_t n = nonzeros();
  scaled_.resize(n);
  [[maybe_unused]] const int team = team_size(threads, n / kWork);
#pragma omp parallel for num_threads(team) if (team > 1) schedule(static)
  for (std::size_t i = 0; i < n; ++i) scaled_[i] = view_.values[i] * (view_.indices[i] < view_.cols ? scale[view_.indices[i]] : 0);
  view_.values = scaled_.data();
}

// A stable radix sort by column; each thread counts and moves one part, and parts keep their order within a bucket.
void CpuSparseRows::sort_entries(int threads) {
  const std::size_t n = nonzeros();
  if (entries_.size() < n) {
    entries_.resize(n);
    sorted_.resize(n);
  }
  std::uint32_t most = 0;
  for (std::size_t r = 0, at = 0; r < view_.rows; ++r) {
    const Row own = row(r);
    for (std::size_t i = 0; i < own.count; ++i) {
      entries_[at++] = {own.indices[i], static_cast<std::uint32_t>(r), own.values[i]};
      most = std::max(most, own.indices[i]);
    }
  }
  if (most >= view_.cols) throw internal_error("load: column {} of {}", most, view_.cols);
  const auto bits = static_cast<std::size_t>(std::bit_width(most));
  const auto parts = static_cast<std::size_t>(team_size(threads, n / kSortPart));
  counts_.resize(parts * kBuckets);
  for (std::size_t shift = 0; shift < bits; shift += kDigitBits) {
    const auto digit = [&](const Entry& e) { return e.column >> shift & (kBuckets - 1); };
    const auto part_of = [&](std::size_t p) { return std::pair{n * p / parts, n * (p + 1) / parts}; };
#pragma omp parallel for num_threads(static_cast<int>(parts)) if (parts > 1) schedule(static, 1)
    for (std::size_t p = 0; p < parts; ++p) {
      std::uint32_t* counts = counts_.data() + p * kBuckets;
      std::fill_n(counts, kBuckets, 0);
      for (auto [i, end] = part_of(p); i < end; ++i) ++counts[digit(entries_[i])];
    }
    std::uint32_t sum = 0;
    for (std::size_t b = 0; b < kBuckets; ++b) {
      for (std::size_t p = 0; p < parts; ++p) sum += std::exchange(counts_[p * kBuckets + b], sum);
    }
#pragma omp parallel for num_threads(static_cast<int>(parts)) if (parts > 1) schedule(static, 1)
    for (std::size_t p = 0; p < parts; ++p) {
      std::uint32_t* counts = counts_.data() + p * kBuckets;
      for (auto [i, end] = part_of(p); i < end; ++i) sorted_[counts[digit(entries_[i])]++] = entries_[i];
    }
    entries_.swap(sorted_);
  }
}

void CpuSparseRows::gather_columns() {
  const std::size_t n = nonzeros();
  if (row_of_.size() < n) {
    row_of_.resize(n);
    value_of_.resize(n);
  }
  starts_.clear();
  for (std::size_t i = 0; i < n; ++i) {
    if (columns_.empty() || columns_.back() != entries_[i].column) {
      columns_.push_back(entries_[i].column);
      starts_.push_back(static_cast<std::uint32_t>(i));
    }
    row_of_[i] = entries_[i].row;
    value_of_[i] = entries_[i].value;
  }
  starts_.push_back(static_cast<std::uint32_t>(n));
}

void CpuRowSet::add(std::span<const std::uint32_t> rows) {
  for (const std::uint32_t row : rows) {
    if (std::exchange(marks_[row], std::uint8_t{1}) == 0) rows_.push_back(row);
  }
}

void CpuRowSet::clear() {
  for (const std::uint32_t row : rows_) marks_[row] = 0;
  rows_.clear();
}

void sparse_multiply(const LearningKernels& kernels, const CpuSparseRows& x, const Mat& w, const Mat& z, int threads) {
  const std::size_t p = w.cols;
  [[maybe_unused]] const int team = team_size(threads, x.nonzeros() * p / kWork);
#pragma omp parallel for num_threads(team) if (team > 1) schedule(dynamic, kRowsPerTask)
  for (std::size_t i = 0; i < x.rows(); ++i) {
    const CpuSparseRows::Row row = x.row(i);
    float* to = z.at<float>(i);
    if (p == 1) {
      const float* from = w.at<float>();
      float sum = 0;
      for (std::size_t k = 0; k < row.count; ++k) sum += row.values[k] * from[row.indices[k] * w.ld];
      *to = sum;
      continue;
    }
    std::fill_n(to, p, 0.0f);
    for (std::size_t k = 0; k < row.count; ++k) kernels.add_scaled(row.values[k], w.at<float>(row.indices[k]), p, to);
  }
}

void sparse_multiply_transposed(const LearningKernels& kernels, const CpuSparseRows& x, const Mat& r, const Mat& g, int threads) {
  const std::size_t p = g.cols;
  const auto columns = x.columns();
  const auto starts = x.starts();
  const std::uint32_t* row_of = x.row_of();
  const float* value_of = x.value_of();
  [[maybe_unused]] const int team = team_size(threads, x.nonzeros() * p / kWork);
#pragma omp parallel for num_threads(team) if (team > 1) schedule(dynamic, kColumnsPerTask)
  for (std::size_t j = 0; j < columns.size(); ++j) {
    float* to = g.at<float>(columns[j]);
    if (p == 1) {
      const float* from = r.at<float>();
      float sum = 0;
      for (std::size_t k = starts[j]; k < starts[j + 1]; ++k) sum += value_of[k] * from[row_of[k] * r.ld];
      *to += sum;
      continue;
    }
    for (std::size_t k = starts[j]; k < starts[j + 1]; ++k) kernels.add_scaled(value_of[k], r.at<float>(row_of[k]), p, to);
  }
}

}  // namespace smtrain::compute
