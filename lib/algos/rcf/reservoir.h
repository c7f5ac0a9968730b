// A sample of a stream without replacement, of rows that several processes read together (Vitter 1985, algorithm R; Park et al. 2004).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"
#include "dist/communicator.h"
#include "formats/batch.h"
#include "job/state.h"

namespace smtrain::rcf {

/// Which slot of a sample of `size` row number `row` (from 0) of a stream takes; none: `size` or more. The first rows take slots
/// 0, 1, ...; then slot j of a uniform draw in 0 … row where there is such a slot. Each row has random numbers of its own, so that
/// whoever meets it draws the same.
class SlotDraw {
 public:
  SlotDraw(std::uint64_t seed, std::uint64_t size) : random_(seed, "rcf.sample"), size_(size) {}
  std::uint64_t operator()(std::uint64_t row) {
    if (row < size_) return row;
    random_.seek(4 * row);
    return random_.below(row + 1);
  }

 private:
  RandomStream random_;
  std::uint64_t size_;
};

/// The sample itself is kept by the first process alone; memory grows with the rows that have come, up to `size`.
class Reservoir {
 public:
  Reservoir(std::size_t d, std::uint64_t size, std::uint64_t seed) : d_(d), size_(size), draw_(seed, size) {}

  /// What an earlier run came to: rows (n, d), n <= size, and the rows seen.
  void go_on_from(std::vector<float> points, std::uint64_t seen);

  /// The next rows of this process; they are looked at when the mini-batch is whole.
  void take(const formats::Batch& batch);
  /// The mini-batch is whole: its rows follow each other rank by rank. Returns the rows of all processes. Collective.
  std::uint64_t close(dist::Communicator& workers);

  std::uint64_t seen() const { return seen_; }  ///< rows of all processes
  std::size_t rows() const { return points_.size() / d_; }
  const std::vector<float>& points() const { return points_; }
  /// Hands the sample over to every process; none is left here. Collective.
  std::vector<float> release(dist::Communicator& workers);

  /// `points`: the sample, wherever it is.
  void save(job::State& state, const std::vector<float>& points) const;
  void restore(const job::State& state);

 private:
  void put(std::uint64_t slot, const float* row);

  const std::size_t d_;
  const std::uint64_t size_;
  SlotDraw draw_;
  std::uint64_t seen_ = 0;
  std::vector<float> points_;
  std::vector<formats::Batch> waiting_;  // of this process, of the mini-batch under way
};

}  // namespace smtrain::rcf
