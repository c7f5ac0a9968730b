// Scores in order with their labels, and the area under the ROC curve.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "dist/communicator.h"

namespace smtrain::linear {

/// A score and a label in one number: order_of() grows with the score, and -0 is 0. Scores are finite.
inline std::uint64_t ranked(float score, bool positive) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(score + 0.0f);
  const std::uint32_t order = (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
  return std::uint64_t{order} << 1 | (positive ? 1 : 0);
}
inline std::uint32_t order_of(std::uint64_t item) { return static_cast<std::uint32_t>(item >> 1); }
inline bool is_labelled(std::uint64_t item) { return (item & 1) != 0; }
inline float score_of(std::uint64_t item) {
  const std::uint32_t order = order_of(item);
  return std::bit_cast<float>((order & 0x80000000u) != 0 ? order & 0x7fffffffu : ~order);
}

/// Sorts by ascending score, in time proportional to the number of items. `scratch` is made as large.
void sort_ranked(std::vector<std::uint64_t>& items, std::vector<std::uint64_t>& scratch);

/// Area under the ROC curve: the share of pairs of a row with label 1 and one with label 0 in which the former has the higher
/// score; a pair of equal scores counts half (Fawcett 2006). A stream of any length in bounded memory: exact while `most` rows were
/// added or the scores take no more than most / 8 values; beyond that neighbouring scores are put together, in groups of about
/// the same number of rows, and the area is given with the most that it can be off.
class RocCurve {
 public:
  /// Memory: at most about kBytesPerRow · most bytes, taken as rows come: the rows twice while they are sorted, and groups that grow.
  static constexpr std::size_t kBytesPerRow = 64;
  explicit RocCurve(std::size_t most = std::size_t{1} << 23) : most_(most) {}

  void add(float score, bool positive);
  /// The rows of all processes, on each of them. Collective.
  void gather(dist::Communicator& communicator);

  struct Area {
    double value = 0;  ///< NaN unless both labels occurred
    double error = 0;  ///< 0: exact
  };
  /// Takes what was added: the next area is of rows added later.
  Area take_area();

 private:
  struct Group {
    std::uint32_t first = 0, last = 0;  // orders; the same: no error
    std::uint64_t negatives = 0, positives = 0;
  };
  template <class Use>
  void take_waiting(Use use);
  static void add_to(std::vector<Group>& groups, const Group& group);
  void compact();
  void merge(const std::vector<Group>& more);
  void coarsen(std::size_t wanted);

  std::size_t most_;
  std::vector<std::uint64_t> waiting_, scratch_;
  std::vector<Group> groups_;  // ascending, disjoint
};

}  // namespace smtrain::linear
