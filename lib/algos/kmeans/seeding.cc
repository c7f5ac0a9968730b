#include "algos/kmeans/seeding.h"

#include <algorithm>
#include <limits>

#include "job/staging.h"

namespace smtrain::kmeans {

Candidates::Candidates(compute::Backend& backend, std::span<const formats::Batch> batches)
    : backend_(backend), batches_(batches.begin(), batches.end()) {
  for (const formats::Batch& b : batches_) {
    rows_ += b.rows;
    d_ = b.cols;
  }
}

Candidates::Candidates(compute::Backend& backend, std::span<const float> rows, std::span<const double> weights, std::size_t d)
    : backend_(backend), batches_(1), weights_(weights), rows_(rows.size() / d), d_(d) {
  formats::Batch& batch = batches_.front();
  batch.rows = rows_;
  batch.cols = batch.ld = d;
  batch.dense = rows.data();
}

void Candidates::copy_row(std::size_t row, float* to) const {
  for (const formats::Batch& b : batches_) {
    if (row < b.rows) return job::copy_row(b, row, to);
    row -= b.rows;
  }
}

std::vector<float> Candidates::choose_random(std::size_t count, RandomStream& random) const {
  std::vector<float> chosen(count * d_);
  const std::vector<std::uint64_t> rows = random.sample_without_replacement(rows_, count);
  for (std::size_t j = 0; j < count; ++j) copy_row(static_cast<std::size_t>(rows[j]), chosen.data() + j * d_);
  return chosen;
}

std::vector<float> Candidates::choose_plus_plus(std::size_t count, RandomStream& random, const std::function<void()>& poll) const {
  compute::Queue& queue = backend_.main_queue();
  job::DenseStaging staging(backend_);
  std::vector<float> centers(count * d_);
  std::vector<float> distances(rows_, 1.0f);  // the first draw is by weight alone
  std::vector<bool> chosen(rows_, false);
  const compute::Mat latest = backend_.allocate(1, d_, compute::DType::f32);
  const compute::Mat nearest = backend_.allocate(rows_, 1, compute::DType::f32);
  for (std::size_t j = 0; j < count; ++j) {
    poll();
    float* center = centers.data() + j * d_;
    copy_row(draw(distances, chosen, random), center);
    if (j == 0) {
      std::fill(distances.begin(), distances.end(), std::numeric_limits<float>::infinity());
      backend_.write(queue, nearest, distances.data());
    }
    backend_.write(queue, latest, center);
    std::size_t first = 0;
    for (const formats::Batch& b : batches_) {
      staging.for_each(b, [&](const compute::Mat& x, std::size_t row) {
        backend_.min_distance(queue, x, latest, nearest.row_range(first + row, x.rows));
      });
      first += b.rows;
    }
    backend_.read(queue, distances.data(), nearest);
  }
  return centers;
}

// A row with probability proportional to weight × distance; marks it as chosen.
std::size_t Candidates::draw(std::span<const float> distances, std::vector<bool>& chosen, RandomStream& random) const {
  double total = 0;
  for (std::size_t i = 0; i < rows_; ++i) total += chosen[i] ? 0 : weight(i) * distances[i];
  std::size_t pick = rows_;
  if (total > 0) {
    double left = random.uniform() * total;
    for (std::size_t i = 0; i < rows_; ++i) {
      const double p = chosen[i] ? 0 : weight(i) * distances[i];
      if (p <= 0) continue;
      pick = i;  // rounding may leave a remainder: then the last one that could be drawn
      left -= p;
      if (left < 0) break;
    }
  } else {
    const auto left = static_cast<std::uint64_t>(std::count(chosen.begin(), chosen.end(), false));
    std::uint64_t skip = random.below(left);
    for (std::size_t i = 0; i < rows_; ++i) {
      if (!chosen[i] && skip-- == 0) {
        pick = i;
        break;
      }
    }
  }
  chosen[pick] = true;
  return pick;
}

}  // namespace smtrain::kmeans
