// A uniform sample of rows that come one after the other (Vitter 1985, algorithm R): the first n fill the slots; row t, from 0, then
// takes slot j of a draw from 0 ... t, if there is one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "algos/knn/index.h"
#include "base/random.h"
#include "job/state.h"

namespace smtrain::knn {

/// The slot that row t takes of n, or none. A draw belongs to its row alone, so that whoever reads the row knows its slot.
class SlotDraws {
 public:
  SlotDraws(RandomStream random, std::uint64_t slots) : random_(random), slots_(slots) {}
  std::optional<std::uint64_t> slot_of(std::uint64_t t);

 private:
  RandomStream random_;
  const std::uint64_t slots_;
};

/// The slots. Memory is taken as they fill. Not thread-safe.
class Reservoir {
 public:
  Reservoir(std::size_t slots, std::size_t d);

  /// Puts row t there; new slots are filled in order.
  void put(std::uint64_t slot, const float* row, float label, std::uint64_t t);
  std::size_t held() const { return labels_.size(); }
  RowBlock rows() const { return {numbers_, held(), d_}; }
  const std::vector<float>& labels() const { return labels_; }
  /// Which rows they are: t.
  const std::vector<std::int64_t>& positions() const { return positions_; }

  void save(job::State& state) const;
  void restore(const job::State& state);

 private:
  std::size_t slots_, d_;
  std::shared_ptr<float> numbers_;
  std::vector<float> labels_;
  std::vector<std::int64_t> positions_;
};

}  // namespace smtrain::knn
