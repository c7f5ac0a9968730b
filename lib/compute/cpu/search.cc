#include "compute/cpu/search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/error.h"
#include "base/memory.h"
#include "compute/cpu/threads.h"

namespace smtrain::compute {
namespace {

constexpr std::size_t kHitsKept = 128;        // of one query, before they are looked at
constexpr std::size_t kChunkQueries = 4096;   // prepared at once
constexpr std::size_t kFewestPanels = 16;     // that are worth a task of their own
constexpr std::size_t kPackRows = 48 * 1024;  // shortened at once: whole panels at every level

}  // namespace

const SearchKernels& search_kernels(KernelLevel level) {
#if defined(__x86_64__)
  if (level == KernelLevel::avx512) return kSearchAvx512;
  if (level == KernelLevel::avx2) return kSearchAvx2;
#endif
  (void)level;
  return kSearchBaseline;
}

SearchPoints::SearchPoints(Backend& backend, const SearchKernels& kernels, const Mat& rows, Closeness closeness, int threads)
    : kernels_(kernels), rows_(rows), closeness_(closeness), filter_(backend, rows, closeness, threads) {
  const std::size_t per = kernels.panel_rows, width = filter_.width();
  packed_ = allocate_array<float>(panels() * per * width);
  bias_ = allocate_array<float>(panels() * per);
  for (std::size_t first = 0; first < rows.rows; first += kPackRows) {
    const std::size_t count = std::min(kPackRows, rows.rows - first);
    const SearchFilter::Short part = filter_.shorten(rows.row_range(first, count), false);
    const std::size_t part_panels = (count + per - 1) / per;
    [[maybe_unused]] const int team = team_size(threads, part_panels);
#pragma omp parallel for num_threads(team) if (team > 1) schedule(static)
    for (std::size_t p = 0; p < part_panels; ++p) {
      float* to = packed_.get() + (first / per + p) * per * width;
      float* bias = bias_.get() + first + p * per;
      for (std::size_t i = 0; i < per; ++i) {
        const std::size_t row = p * per + i;
        const float* from = row < count ? part.rows.at<float>(row) : nullptr;
        for (std::size_t j = 0; j < width; ++j) to[j * per + i] = from == nullptr ? 0.0f : from[j];
        bias[i] = from == nullptr ? -std::numeric_limits<float>::infinity() : filter_.bias(part.squares[row]);
      }
    }
  }
}

// A row found: nearer ones have smaller keys, then smaller numbers.
struct SearchPoints::Neighbour {
  double key = 0;
  std::int32_t id = 0;
  bool operator<(const Neighbour& other) const { return key < other.key || (key == other.key && id < other.id); }
};

// A block of queries against a range of panels. What it finds is exact, so that cutting the work changes nothing.
class SearchPoints::Task {
 public:
  Task(const SearchPoints& points, std::size_t k) : points_(points), k_(k), capacity_(kHitsKept + points.kernels_.panel_rows) {
    ids_.resize(kMostBlockQueries * capacity_);
    scores_.resize(kMostBlockQueries * capacity_);
  }

  /// `found`: per query, up to k neighbours as a heap whose top is the farthest.
  void run(const Mat& x, const SearchFilter::Short& queries, std::size_t first, std::size_t count, std::size_t from_panel,
           std::size_t to_panel, std::vector<Neighbour>* found) {
    const SearchKernels& kernels = points_.kernels_;
    const std::size_t width = points_.filter_.width();
    SearchHits hits{ids_.data(), scores_.data(), counts_, capacity_};
    for (std::size_t i = 0; i < count; ++i) {
      counts_[i] = 0;
      thresholds_[i] = -std::numeric_limits<float>::infinity();
      found[i].clear();
    }
    const auto look = [&](std::size_t i) { look_at_hits(x.at<float>(first + i), queries.squares[first + i], i, found[i]); };
    for (std::size_t p = from_panel; p < to_panel; ++p) {
      kernels.scan(points_.packed_.get() + p * kernels.panel_rows * width, points_.bias_.get() + p * kernels.panel_rows, width,
                   static_cast<std::int32_t>(p * kernels.panel_rows), queries.rows.at<float>(first), queries.rows.ld, count, thresholds_,
                   hits);
      for (std::size_t i = 0; i < count; ++i)
        if (counts_[i] >= kHitsKept) look(i);
    }
    for (std::size_t i = 0; i < count; ++i) look(i);
  }

 private:
  // The first hits are taken from the best on, as nothing is known yet; later ones as they came, which is in the order of memory.
  void look_at_hits(const float* query, double square, std::size_t i, std::vector<Neighbour>& found) {
    const std::size_t n = counts_[i];
    counts_[i] = 0;
    order_.clear();
    for (std::size_t h = i * capacity_; h < i * capacity_ + n; ++h) {
      if (static_cast<std::size_t>(ids_[h]) < points_.rows_.rows && !(scores_[h] < thresholds_[i])) order_.push_back(h);
    }
    if (found.size() < k_) {
      std::stable_sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) { return scores_[a] > scores_[b]; });
    }
    const std::size_t d = points_.rows_.cols;
    for (std::size_t o = 0; o < order_.size(); ++o) {
      if (scores_[order_[o]] < thresholds_[i]) continue;
      if (o + 1 < order_.size()) fetch_row(points_.rows_.at<float>(static_cast<std::size_t>(ids_[order_[o + 1]])), d);
      consider(query, square, i, ids_[order_[o]], found);
    }
  }

  void consider(const float* query, double square, std::size_t i, std::int32_t id, std::vector<Neighbour>& found) {
    const float* row = points_.rows_.at<float>(static_cast<std::size_t>(id));
    const std::size_t d = points_.rows_.cols;
    const bool full = found.size() == k_;
    Neighbour neighbour{0, id};
    if (points_.closeness_ == Closeness::distance) {
      neighbour.key = points_.kernels_.distance(query, row, d, full ? found.front().key : std::numeric_limits<double>::infinity());
    } else {
      neighbour.key = -points_.kernels_.product(query, row, d);
    }
    if (full) {
      if (!(neighbour < found.front())) return;
      std::pop_heap(found.begin(), found.end());
      found.pop_back();
    }
    found.push_back(neighbour);
    std::push_heap(found.begin(), found.end());
    if (found.size() == k_) thresholds_[i] = points_.filter_.threshold(square, found.front().key);
  }

  const SearchPoints& points_;
  const std::size_t k_, capacity_;
  std::vector<std::int32_t> ids_;
  std::vector<float> scores_;
  std::vector<std::size_t> order_;
  std::uint32_t counts_[kMostBlockQueries];
  float thresholds_[kMostBlockQueries];
};

void SearchPoints::find(const Mat& x, const Mat& ids, const Mat& scores, int threads) const {
  for (std::size_t first = 0; first < x.rows; first += kChunkQueries) {
    const std::size_t count = std::min(kChunkQueries, x.rows - first);
    find_chunk(x.row_range(first, count), ids.row_range(first, count), scores.row_range(first, count), threads);
  }
}

// Few queries would leave threads idle: then several tasks share the panels.
void SearchPoints::find_chunk(const Mat& x, const Mat& ids, const Mat& scores, int threads) const {
  const std::size_t k = ids.cols, per = kernels_.block_queries, blocks = (x.rows + per - 1) / per;
  const std::size_t wanted = 4 * static_cast<std::size_t>(threads);
  const std::size_t parts =
      std::clamp<std::size_t>((wanted + blocks - 1) / blocks, 1, std::max<std::size_t>(panels() / kFewestPanels, 1));
  const SearchFilter::Short queries = filter_.shorten(x, true);
  std::vector<std::vector<Neighbour>> found(parts * x.rows);  // (parts, n)
  const int team = team_size(threads, blocks * parts);
  ExceptionTrap trap;
#pragma omp parallel for num_threads(team) if (team > 1) schedule(dynamic, 1)
  for (std::size_t t = 0; t < blocks * parts; ++t) {
    trap.run(t, [&] {
      const std::size_t part = t % parts, first = t / parts * per;
      Task task(*this, k);
      task.run(x, queries, first, std::min(per, x.rows - first), panels() * part / parts, panels() * (part + 1) / parts,
               found.data() + part * x.rows + first);
    });
  }
  trap.rethrow();
#pragma omp parallel for num_threads(team) if (team > 1) schedule(static)
  for (std::size_t i = 0; i < x.rows; ++i) {
    std::vector<Neighbour>& all = found[i];
    for (std::size_t p = 1; p < parts; ++p) all.insert(all.end(), found[p * x.rows + i].begin(), found[p * x.rows + i].end());
    std::sort(all.begin(), all.end());
    for (std::size_t j = 0; j < k; ++j) {
      ids.at<std::int32_t>(i)[j] = all[j].id;
      scores.at<float>(i)[j] = static_cast<float>(closeness_ == Closeness::distance ? all[j].key : -all[j].key);
    }
  }
}

}  // namespace smtrain::compute
