#include "algos/knn/search.h"

#include <algorithm>
#include <limits>
#include <span>

#include "base/each_index.h"
#include "base/machine.h"
#include "compute/cpu/search.h"

namespace smtrain::knn {
namespace {

using compute::Closeness;
using compute::DType;
using compute::Mat;

constexpr std::size_t kQueriesAtOnce = 32;

struct Candidate {
  double key = 0;  // less is nearer
  std::int64_t id = 0;
  bool operator<(const Candidate& other) const { return key < other.key || (key == other.key && id < other.id); }
};

// The k best so far, the farthest on top.
class Best {
 public:
  explicit Best(std::size_t k) : k_(k) {}
  double limit() const { return heap_.size() < k_ ? std::numeric_limits<double>::infinity() : heap_.front().key; }
  void take(const Candidate& candidate) {
    if (heap_.size() == k_) {
      if (!(candidate < heap_.front())) return;
      std::pop_heap(heap_.begin(), heap_.end());
      heap_.pop_back();
    }
    heap_.push_back(candidate);
    std::push_heap(heap_.begin(), heap_.end());
  }
  bool empty() const { return heap_.empty(); }
  std::vector<Candidate>& sorted() {
    std::sort_heap(heap_.begin(), heap_.end());
    return heap_;
  }

 private:
  std::size_t k_;
  std::vector<Candidate> heap_;
};

void scan_vectors(const Index& index, std::size_t list, const float* query, Best& best) {
  static const compute::SearchKernels& kernels = compute::search_kernels(kernel_level());
  for (std::uint64_t at = index.starts[list]; at < index.starts[list + 1]; ++at) {
    const auto place = static_cast<std::size_t>(at);
    const float* row = index.vectors.row(place);
    best.take({index.closeness == Closeness::distance ? kernels.distance(query, row, index.d, best.limit())
                                                      : -kernels.product(query, row, index.d), index.ids[place]});
  }
}

// Distances of what the query is beside the list's centroid to every centroid of every part, then sums of them (Jegou et al. 2011,
// section IV).
void scan_codes(const Index& index, std::size_t list, const float* query, std::vector<float>& table, Best& best) {
  const std::size_t width = index.part_width();
  const float* centroid = index.centroids.row(list);
  table.resize(index.parts * kCodes);
  for (std::size_t part = 0; part < index.parts; ++part) {
    for (std::size_t code = 0; code < kCodes; ++code) {
      const float* c = index.part_centroids.data() + (part * kCodes + code) * width;
      float sum = 0;
      for (std::size_t j = 0; j < width; ++j) {
        const float u = query[part * width + j] - centroid[part * width + j] - c[j];
        sum += u * u;
      }
      table[part * kCodes + code] = sum;
    }
  }
  for (std::uint64_t at = index.starts[list]; at < index.starts[list + 1]; ++at) {
    const auto place = static_cast<std::size_t>(at);
    const std::uint8_t* codes = index.codes.data() + place * index.parts;
    float sum = 0;
    for (std::size_t part = 0; part < index.parts; ++part) sum += table[part * kCodes + codes[part]];
    best.take({static_cast<double>(sum), index.ids[place]});
  }
}

}  // namespace

Searcher::Searcher(compute::Backend& backend, const Index& index) : backend_(backend), index_(index) {
  const RowBlock& rows = index.kind == IndexKind::flat ? index.vectors : index.centroids;
  const Mat staged = backend.stage(backend.main_queue(), rows.numbers.get(), rows.rows, rows.d, rows.d, rows.numbers);
  points_ = backend.make_points(backend.main_queue(), staged, index.closeness);
}

Neighbours Searcher::find(const Mat& x, std::size_t k, std::size_t probes) {
  Neighbours out{k, std::vector<std::int64_t>(x.rows * k), std::vector<float>(x.rows * k)};
  if (x.rows == 0) return out;
  if (index_.kind != IndexKind::flat) {
    find_in_lists(x, std::min(probes == 0 ? index_.probes : probes, index_.lists()), out);
    return out;
  }
  const Mat ids = backend_.allocate(x.rows, k, DType::i32), scores = backend_.allocate(x.rows, k, DType::f32);
  backend_.top_nearest(backend_.main_queue(), x, *points_, ids, scores);
  std::vector<std::int32_t> found(x.rows * k);
  backend_.read(backend_.main_queue(), found.data(), ids);
  backend_.read(backend_.main_queue(), out.scores.data(), scores);
  std::copy(found.begin(), found.end(), out.ids.begin());
  return out;
}

// Which lists are near is the device's to tell; they are scanned on the host, where the rows are.
void Searcher::find_in_lists(const Mat& x, std::size_t probes, Neighbours& out) {
  compute::Queue& queue = backend_.main_queue();
  const auto nearest_lists = [&](const Mat& queries, std::size_t count) {
    const Mat ids = backend_.allocate(queries.rows, count, DType::i32), scores = backend_.allocate(queries.rows, count, DType::f32);
    backend_.top_nearest(queue, queries, *points_, ids, scores);
    std::vector<std::int32_t> lists(queries.rows * count);
    backend_.read(queue, lists.data(), ids);
    return lists;
  };
  std::vector<float> queries(x.rows * x.cols);
  backend_.read(queue, queries.data(), x);
  const auto scan = [&](std::size_t query, std::span<const std::int32_t> lists, bool until_found) {
    Best best(out.k);
    std::vector<float> table;
    for (const std::int32_t list : lists) {
      const float* q = queries.data() + query * x.cols;
      if (index_.kind == IndexKind::ivf_pq) scan_codes(index_, static_cast<std::size_t>(list), q, table, best);
      else scan_vectors(index_, static_cast<std::size_t>(list), q, best);
      if (until_found && !best.empty()) break;
    }
    const std::vector<Candidate>& found = best.sorted();
    for (std::size_t i = 0; i < out.k; ++i) {
      const bool there = i < found.size();
      const double score = there ? found[i].key : std::numeric_limits<double>::quiet_NaN();
      out.ids[query * out.k + i] = there ? found[i].id : -1;
      out.scores[query * out.k + i] = static_cast<float>(index_.closeness == Closeness::distance ? score : -score);
    }
    return !found.empty();
  };
  const std::vector<std::int32_t> lists = nearest_lists(x, probes);
  std::vector<char> answered(x.rows, 0);
  each_index(backend_.device().threads, (x.rows + kQueriesAtOnce - 1) / kQueriesAtOnce, [&](std::size_t block) {
    for (std::size_t i = block * kQueriesAtOnce; i < std::min(x.rows, (block + 1) * kQueriesAtOnce); ++i)
      answered[i] = scan(i, std::span(lists).subspan(i * probes, probes), false) ? 1 : 0;
  });
  for (std::size_t i = 0; i < x.rows; ++i) {
    if (answered[i] == 0) scan(i, nearest_lists(x.row_range(i, 1), index_.lists()), true);
  }
}

}  // namespace smtrain::knn
