// RowShare: which rows of a channel this process takes, when several processes share each mini-batch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "formats/table_parser.h"

namespace smtrain::formats {

/// Which rows this process reads when several share the work. A mini-batch is always that of all processes together: process
/// r of N takes rows [r b / N, (r + 1) b / N) of each b.
struct RankShare {
  enum class Split {
    ranges,  ///< of every mini-batch of all files
    files,   ///< file i belongs to process i mod size; a mini-batch joins the next rows of each
    own,     ///< as files, but the path names the files of this process alone
  };
  int rank = 0, size = 1;
  Split split = Split::ranges;
};

/// Walks over the rows of an epoch and picks those of this process. Not thread-safe.
class RowShare {
 public:
  /// Throws a user Error when a mini-batch has fewer rows than there are processes.
  RowShare(std::size_t mini_batch_size, const RankShare& share);

  /// Rows of this process in a full mini-batch.
  std::size_t local_mini_batch() const { return end_ - begin_; }
  /// Every row that is read is taken.
  bool takes_all() const { return takes_all_; }

  /// A place in the reading: rows read, and those of them that were taken.
  struct Place {
    std::uint64_t read = 0, taken = 0;
  };
  Place place() const { return place_; }
  void go_to(const Place& place) { place_ = place; }

  /// The ranges of the next `records` rows read that are taken, appended to `out`. The first `pass_over` of them are left out
  /// (and counted as taken all the same); what is left of it goes back in it. Returns the rows in the ranges.
  std::size_t select(std::size_t records, std::uint64_t& pass_over, std::vector<RecordRange>& out);

 private:
  std::size_t mini_batch_size_, begin_, end_;
  bool takes_all_;
  Place place_;
};

}  // namespace smtrain::formats
