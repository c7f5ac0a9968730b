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
constexpr std::size_t kWork = std::size_t{1} << 13;      // multiplications, likewise
constexpr std::size_t kBandSample = 256;                // columns that tell where bands of equal work end
[[maybe_unused]] constexpr std::size_t kRowsPerTask = 64;
constexpr std::size_t kAhead = 2;                        // rows whose features are fetched in advance

// Numbers of a row in columns before `end`. Counting beats searching in rows of some dozen numbers: it has no branch to foretell, and
// becomes vectors.
std::size_t count_before(const CpuSparseRows::Row& row, std::uint32_t end) {
  if (row.count > 256) return static_cast<std::size_t>(std::lower_bound(row.indices, row.indices + row.count, end) - row.indices);
  std::uint32_t before = 0;
  for (std::size_t k = 0; k < row.count; ++k) before += row.indices[k] < end ? 1 : 0;
  return before;
}

// Has the rows of a matrix that a sparse row takes on their way from memory.
void fetch_rows(const CpuSparseRows::Row& row, const float* first, std::size_t ld, std::size_t p) {
  for (std::size_t k = 0; k < row.count; ++k) fetch_row(first + row.indices[k] * ld, p);
}

}  // namespace

void CpuSparseRows::load(const CsrView& from, const float* scale, std::shared_ptr<const void> owner, int threads) {
  view_ = from;
  owner_ = std::move(owner);
  turned_ = false;
  if (from.rows == 0) return;
  if (nonzeros() > std::numeric_limits<std::uint32_t>::max() || from.rows > std::numeric_limits<std::uint32_t>::max()) {
    throw internal_error("load: {} rows with {} numbers at once; expected fewer than 2^32", from.rows, nonzeros());
  }
  check_columns();
  if (scale != nullptr) scale_values(scale, threads);
}

// The union of their bits is no smaller than the largest column, and found faster.
void CpuSparseRows::check_columns() const {
  std::uint32_t bits = 0, most = 0;
  for (const std::uint32_t column : indices()) bits |= column;
  if (nonzeros() == 0 || bits < view_.cols) return;
  for (const std::uint32_t column : indices()) most = std::max(most, column);
  if (most >= view_.cols) throw internal_error("load: column {} of {}", most, view_.cols);
}

void CpuSparseRows::scale_values(const float* scale, int threads) {
  const std::size_t n = nonzeros();
  scaled_.resize(n);
  [[maybe_unused]] const int team = team_size(threads, n / kWork);
#pragma omp parallel for num_threads(team) if (team > 1) schedule(static)
  for (std::size_t i = 0; i < n; ++i) scaled_[i] = view_.values[i] * scale[view_.indices[i]];
  view_.values = scaled_.data();
}

const ByColumn& CpuSparseRows::by_column(int threads) const {
  if (turned_) return by_column_;
  turned_ = true;
  by_column_.columns.clear();
  by_column_.starts.assign(1, 0);
  if (nonzeros() == 0) return by_column_;
  sort_entries(threads);
  gather_columns();
  return by_column_;
}

// A stable radix sort by column; each thread counts and moves one part, and parts keep their order within a bucket.
void CpuSparseRows::sort_entries(int threads) const {
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

void CpuSparseRows::gather_columns() const {
  const std::size_t n = nonzeros();
  auto& [columns, starts, rows, values] = by_column_;
  if (rows.size() < n) {
    rows.resize(n);
    values.resize(n);
  }
  starts.clear();
  for (std::size_t i = 0; i < n; ++i) {
    if (columns.empty() || columns.back() != entries_[i].column) {
      columns.push_back(entries_[i].column);
      starts.push_back(static_cast<std::uint32_t>(i));
    }
    rows[i] = entries_[i].row;
    values[i] = entries_[i].value;
  }
  starts.push_back(static_cast<std::uint32_t>(n));
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
  const std::size_t p = w.cols, ldw = w.ld;
  const float* const from = w.at<float>();
  float* const to = z.at<float>();
  [[maybe_unused]] const int team = team_size(threads, x.nonzeros() * p / kWork);
#pragma omp parallel for num_threads(team) if (team > 1) schedule(dynamic, kRowsPerTask)
  for (std::size_t i = 0; i < x.rows(); ++i) {
    const CpuSparseRows::Row row = x.row(i);
    float* const scores = to + i * z.ld;
    if (i + kAhead < x.rows()) fetch_rows(x.row(i + kAhead), from, ldw, p);
    if (p == 1) {
      float sum = 0;
      for (std::size_t k = 0; k < row.count; ++k) sum += row.values[k] * from[row.indices[k] * ldw];
      *scores = sum;
      continue;
    }
    std::fill_n(scores, p, 0.0f);
    for (std::size_t k = 0; k < row.count; ++k) kernels.add_scaled(row.values[k], from + row.indices[k] * ldw, p, scores);
  }
}

// By quantiles of a sample of the columns, since some are far more frequent than others.
void TransposedProduct::cut_bands(const CpuSparseRows& x, std::size_t bands) {
  const std::span<const std::uint32_t> columns = x.indices();
  const std::size_t step = std::max<std::size_t>(columns.size() / kBandSample, 1);
  sample_.clear();
  for (std::size_t i = 0; i < columns.size(); i += step) sample_.push_back(columns[i]);
  std::sort(sample_.begin(), sample_.end());
  ends_.clear();
  for (std::size_t b = 1; b < bands; ++b) ends_.push_back(sample_[sample_.size() * b / bands]);
  ends_.push_back(static_cast<std::uint32_t>(x.cols()));
}

// What a band has of row i.
CpuSparseRows::Row TransposedProduct::part_of(const CpuSparseRows& x, std::size_t i, std::size_t band) const {
  const CpuSparseRows::Row row = x.row(i);
  const std::size_t before = band == 0 ? 0 : count_before(row, ends_[band - 1]);
  const std::size_t within = band + 1 == ends_.size() ? row.count : count_before(row, ends_[band]);
  return {row.indices + before, row.values + before, within - before};
}

void TransposedProduct::add_band(const CpuSparseRows& x, const Mat& r, const Mat& g, std::size_t band, std::uint8_t* marks) {
  const std::size_t p = g.cols, ldg = g.ld;
  float* const sums = g.at<float>();
  const float* const all_slopes = r.at<float>();
  std::vector<std::uint32_t>& found = found_[band];
  std::size_t count = 0;
  for (std::size_t i = 0; i < x.rows(); ++i) {
    const CpuSparseRows::Row row = part_of(x, i, band);
    const float* const slopes = all_slopes + i * r.ld;
    if (i + kAhead < x.rows()) fetch_rows(part_of(x, i + kAhead, band), sums, ldg, p);
    if (found.size() < count + row.count) found.resize(2 * (count + row.count));
    // Written always and kept where it is new: a branch would be foretold wrongly.
    for (std::size_t k = 0; k < row.count; ++k) {
      const std::uint32_t column = row.indices[k];
      found[count] = column;
      count += marks[column] ^ 1u;
      marks[column] = 1;
    }
    if (p == 1) {
      const float slope = *slopes;
      for (std::size_t k = 0; k < row.count; ++k) sums[row.indices[k] * ldg] += row.values[k] * slope;
    } else {
      for (std::size_t k = 0; k < row.count; ++k) kernels_.add_scaled(row.values[k], slopes, p, sums + row.indices[k] * ldg);
    }
  }
  found.resize(count);
}

void TransposedProduct::run(const CpuSparseRows& x, const Mat& r, const Mat& g, CpuRowSet& touched) {
  if (x.nonzeros() == 0) return;
  const auto bands = static_cast<std::size_t>(team_size(threads_, x.nonzeros() * g.cols / kWork));
  cut_bands(x, bands);
  if (found_.size() < bands) found_.resize(bands);
  std::uint8_t* const marks = touched.marks();
  ExceptionTrap trap;
#pragma omp parallel for num_threads(static_cast<int>(bands)) if (bands > 1) schedule(static, 1)
  for (std::size_t b = 0; b < bands; ++b) trap.run(b, [&] { add_band(x, r, g, b, marks); });
  trap.rethrow();
  for (std::size_t b = 0; b < bands; ++b) touched.add_marked(found_[b]);
}

}  // namespace smtrain::compute
