#include "algos/knn/build_index.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/memory.h"
#include "base/signals.h"

namespace smtrain::knn {
namespace {

using compute::DType;
using compute::Mat;
using compute::Queue;

constexpr int kRounds = 25;
constexpr float kApart = 1.0f / 1024;  // halves of a cluster that is split, relative

void to_unit_length(float* row, std::size_t d) {
  double square = 0;
  for (std::size_t j = 0; j < d; ++j) square += static_cast<double>(row[j]) * static_cast<double>(row[j]);
  if (!(square > 0)) return;
  const double factor = 1 / std::sqrt(square);
  for (std::size_t j = 0; j < d; ++j) row[j] = static_cast<float>(factor * static_cast<double>(row[j]));
}

// Each empty cluster takes half of one drawn in proportion to its size.
void fill_empty(std::vector<double>& counts, std::vector<float>& centroids, std::size_t d, RandomStream& random) {
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0) continue;
    const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
    double left = random.uniform() * total;
    std::size_t from = 0;
    while (from + 1 < counts.size() && (counts[from] <= 0 || left >= counts[from])) left -= counts[from++];
    for (std::size_t j = 0; j < d; ++j) {
      const float value = centroids[from * d + j], step = (j % 2 == 0 ? kApart : -kApart) * value;
      centroids[i * d + j] = value + step;
      centroids[from * d + j] = value - step;
    }
    counts[i] = counts[from] / 2;
    counts[from] -= counts[i];
  }
}

// At most so many rows as centroids are learnt from, drawn at random; (n, d) packed on the device.
Mat drawn_rows(compute::Backend& backend, const Mat& rows, std::size_t most, RandomStream& random) {
  if (rows.rows <= most) return rows;
  std::vector<float> all(rows.rows * rows.cols), some(most * rows.cols);
  backend.read(backend.main_queue(), all.data(), rows);
  std::vector<std::uint64_t> drawn = random.sample_without_replacement(rows.rows, most);
  std::sort(drawn.begin(), drawn.end());
  for (std::size_t i = 0; i < most; ++i) std::copy_n(all.data() + drawn[i] * rows.cols, rows.cols, some.data() + i * rows.cols);
  const Mat out = backend.allocate(most, rows.cols, DType::f32);
  backend.write(backend.main_queue(), out, some.data());
  return out;
}

Mat staged(compute::Backend& backend, const RowBlock& rows) {
  return backend.stage(backend.main_queue(), rows.numbers.get(), rows.rows, rows.d, rows.d, rows.numbers);
}

// Rows of each list one behind the other, in ascending order.
void fill_lists(Index& index, const std::vector<std::int32_t>& list_of) {
  index.starts.assign(index.lists() + 1, 0);
  for (const std::int32_t list : list_of) ++index.starts[static_cast<std::size_t>(list) + 1];
  std::partial_sum(index.starts.begin(), index.starts.end(), index.starts.begin());
  std::vector<std::uint64_t> next = index.starts;
  index.ids.resize(list_of.size());
  for (std::size_t i = 0; i < list_of.size(); ++i)
    index.ids[static_cast<std::size_t>(next[static_cast<std::size_t>(list_of[i])]++)] = static_cast<std::int64_t>(i);
}

void store_vectors(Index& index, const RowBlock& rows) {
  auto numbers = allocate_array<float>(std::max<std::size_t>(rows.rows * rows.d, 1));
  for (std::size_t at = 0; at < index.ids.size(); ++at)
    std::copy_n(rows.row(static_cast<std::size_t>(index.ids[at])), rows.d, numbers.get() + at * rows.d);
  index.vectors = {std::move(numbers), rows.rows, rows.d};
}

// What rows are beside their centroids, in the order of the lists, each part by the number of its nearest centroid.
void store_codes(compute::Backend& backend, Index& index, const RowBlock& rows, const IndexPlan& plan, RandomStream& random) {
  index.parts = plan.parts;
  const std::size_t width = index.part_width();
  const Mat rest = backend.allocate(rows.rows, rows.d, DType::f32);
  {
    std::vector<float> numbers(rows.rows * rows.d);
    for (std::size_t l = 0, at = 0; l < index.lists(); ++l) {
      for (; at < index.starts[l + 1]; ++at) {
        const float* row = rows.row(static_cast<std::size_t>(index.ids[at]));
        const float* centroid = index.centroids.row(l);
        for (std::size_t j = 0; j < rows.d; ++j) numbers[at * rows.d + j] = row[j] - centroid[j];
      }
    }
    backend.write(backend.main_queue(), rest, numbers.data());
  }
  index.codes.resize(rows.rows * plan.parts);
  const Mat learnt_from = drawn_rows(backend, rest, kCodes * kMostPerCentroid, random);
  for (std::size_t part = 0; part < plan.parts; ++part) {
    const auto columns = [&](Mat m) {
      m.offset += part * width;
      m.cols = width;
      return m;
    };
    const std::vector<float> centroids = learn_centroids(backend, columns(learnt_from), kCodes, false, random);
    index.part_centroids.insert(index.part_centroids.end(), centroids.begin(), centroids.end());
    const std::vector<std::int32_t> codes = assign(backend, columns(rest), centroids.data(), kCodes);
    for (std::size_t i = 0; i < rows.rows; ++i) index.codes[i * plan.parts + part] = static_cast<std::uint8_t>(codes[i]);
  }
}

}  // namespace

std::vector<float> learn_centroids(compute::Backend& backend, const Mat& all, std::size_t count, bool unit_length, RandomStream& random) {
  Queue& queue = backend.main_queue();
  const Mat rows = drawn_rows(backend, all, count * kMostPerCentroid, random);
  const std::size_t d = rows.cols;
  const Mat c = backend.allocate(count, d, DType::f32), sums = backend.allocate(count, d, DType::f64);
  const Mat counts = backend.allocate(count, 1, DType::f64), none = backend.allocate(count, 1, DType::f64);
  std::vector<float> centroids(count * d);
  std::vector<double> held(count);
  const std::vector<std::uint64_t> first = random.sample_without_replacement(rows.rows, std::min<std::uint64_t>(rows.rows, count));
  for (std::size_t i = 0; i < count; ++i)
    backend.read(queue, centroids.data() + i * d, rows.row_range(static_cast<std::size_t>(first[i % first.size()]), 1));
  const auto prepared = backend.make_centers(count, d);
  for (int round = 0; round < kRounds; ++round) {
    throw_if_stopped();
    if (unit_length) {
      for (std::size_t i = 0; i < count; ++i) to_unit_length(centroids.data() + i * d, d);
    }
    backend.write(queue, c, centroids.data());
    backend.refresh(queue, *prepared, c);
    for (const Mat& m : {sums, counts, none}) backend.zero(queue, m);
    backend.nearest_sum(queue, rows, {}, *prepared, {}, sums, counts, {});
    backend.blend_means(queue, sums, counts, 1.0, c, none);
    backend.read(queue, centroids.data(), c);
    backend.read(queue, held.data(), counts);
    fill_empty(held, centroids, d, random);
  }
  if (unit_length) {
    for (std::size_t i = 0; i < count; ++i) to_unit_length(centroids.data() + i * d, d);
  }
  return centroids;
}

std::vector<std::int32_t> assign(compute::Backend& backend, const Mat& rows, const float* centroids, std::size_t count) {
  Queue& queue = backend.main_queue();
  const Mat c = backend.allocate(count, rows.cols, DType::f32), ids = backend.allocate(rows.rows, 1, DType::i32);
  backend.write(queue, c, centroids);
  const auto prepared = backend.make_centers(count, rows.cols);
  backend.refresh(queue, *prepared, c);
  backend.nearest(queue, rows, *prepared, ids, {});
  std::vector<std::int32_t> assigned(rows.rows);
  backend.read(queue, assigned.data(), ids);
  return assigned;
}

Index build_index(compute::Backend& backend, const RowBlock& rows, const IndexPlan& plan, RandomStream random) {
  Index index;
  index.kind = plan.kind;
  index.closeness = plan.closeness;
  index.d = rows.d;
  index.rows = rows.rows;
  if (plan.kind == IndexKind::flat) {
    index.vectors = rows;
    return index;
  }
  const Mat all = staged(backend, rows);
  const std::vector<float> centroids = learn_centroids(backend, all, plan.lists, plan.closeness == compute::Closeness::product, random);
  index.centroids = copied_rows(centroids.data(), plan.lists, rows.d);
  index.probes = std::min(plan.probes, plan.lists);
  fill_lists(index, assign(backend, all, centroids.data(), plan.lists));
  if (plan.kind == IndexKind::ivf_pq) store_codes(backend, index, rows, plan, random);
  else store_vectors(index, rows);
  return index;
}

}  // namespace smtrain::knn
