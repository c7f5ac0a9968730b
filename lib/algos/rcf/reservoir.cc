#include "algos/rcf/reservoir.h"

#include <algorithm>
#include <cstring>

#include "job/staging.h"

namespace smtrain::rcf {
namespace {

// As they go from one process to the first: a slot and a row, one after the other.
struct Entrants {
  explicit Entrants(std::size_t d) : row_bytes(d * sizeof(float)) {}

  void add(std::uint64_t slot, const float* row) {
    const std::size_t at = bytes.size();
    bytes.resize(at + sizeof slot + row_bytes);
    std::memcpy(bytes.data() + at, &slot, sizeof slot);
    std::memcpy(bytes.data() + at + sizeof slot, row, row_bytes);
  }

  std::size_t row_bytes;
  std::vector<std::byte> bytes;
};

}  // namespace

void Reservoir::go_on_from(std::vector<float> points, std::uint64_t seen) {
  points_ = std::move(points);
  seen_ = seen;
}

void Reservoir::take(const formats::Batch& batch) {
  if (batch.rows > 0) waiting_.push_back(batch);
}

void Reservoir::put(std::uint64_t slot, const float* row) {
  const auto at = static_cast<std::size_t>(slot) * d_;
  if (points_.empty()) points_.reserve(static_cast<std::size_t>(size_) * d_);  // memory that is not touched costs nothing
  if (at == points_.size()) points_.insert(points_.end(), row, row + d_);
  else std::copy_n(row, d_, points_.begin() + static_cast<std::ptrdiff_t>(at));
}

std::uint64_t Reservoir::close(dist::Communicator& workers) {
  const auto rank = static_cast<std::size_t>(workers.rank());
  std::vector<double> counts(static_cast<std::size_t>(workers.size()));
  for (const formats::Batch& batch : waiting_) counts[rank] += static_cast<double>(batch.rows);
  workers.allreduce(counts);
  std::uint64_t row = seen_, all = 0;
  for (std::size_t r = 0; r < counts.size(); ++r) {
    if (r < rank) row += static_cast<std::uint64_t>(counts[r]);
    all += static_cast<std::uint64_t>(counts[r]);
  }
  const bool alone = workers.size() == 1;
  Entrants entrants(d_);
  std::vector<float> buffer(d_);
  for (const formats::Batch& batch : waiting_) {
    for (std::size_t i = 0; i < batch.rows; ++i, ++row) {
      const std::uint64_t slot = draw_(row);
      if (slot >= size_) continue;
      job::copy_row(batch, i, buffer.data());
      if (alone) put(slot, buffer.data());
      else entrants.add(slot, buffer.data());
    }
  }
  waiting_.clear();
  seen_ += all;
  if (alone) return all;
  // Later rows win, as they would in one process: ranks in their order, rows in theirs.
  for (const std::vector<std::byte>& came : workers.collect(entrants.bytes)) {
    for (const std::byte* from = came.data(); from != came.data() + came.size(); from += sizeof(std::uint64_t) + entrants.row_bytes) {
      std::uint64_t slot = 0;
      std::memcpy(&slot, from, sizeof slot);
      std::memcpy(buffer.data(), from + sizeof slot, entrants.row_bytes);
      put(slot, buffer.data());
    }
  }
  return all;
}

std::vector<float> Reservoir::release(dist::Communicator& workers) {
  if (workers.size() > 1) {
    double numbers = workers.is_root() ? static_cast<double>(points_.size()) : 0;
    workers.allreduce(std::span(&numbers, 1));
    points_.resize(static_cast<std::size_t>(numbers));
    workers.broadcast(std::as_writable_bytes(std::span(points_)), 0);
  }
  return std::move(points_);
}

void Reservoir::save(job::State& state, const std::vector<float>& points) const {
  state.put("rcf.seen", seen_);
  state.put("rcf.rows", std::uint64_t{points.size() / d_});
  state.put("rcf.points", {points.size() / d_, d_}, points);
}

void Reservoir::restore(const job::State& state) {
  seen_ = state.count("rcf.seen");
  points_ = state.f32("rcf.points", {state.count("rcf.rows"), d_});
}

}  // namespace smtrain::rcf
