// RecordStream: records that are no rows of numbers (series, sentences, annotations), parsed by a team of threads, in file order.
#pragma once

#include <functional>
#include <iterator>
#include <utility>
#include <vector>

#include "formats/block_team.h"

namespace smtrain::formats {

/// Not thread-safe; memory is bounded by the blocks of a round and what they become.
template <class Record>
class RecordStream {
 public:
  /// Appends the records of a block in order; const, called by several threads at a time; throws user Errors with the place.
  using Parse = std::function<void(const RawBlock& block, std::vector<Record>& records)>;

  /// `cutter` must outlive it.
  RecordStream(std::vector<InputFile> files, RecordCutter& cutter, Parse parse, const BlockTeamOptions& options)
      : team_(std::move(files), cutter, options), parse_(std::move(parse)), parts_(team_.blocks_per_round()) {}

  /// Replaces `records` by the next ones; false at the end.
  bool next(std::vector<Record>& records) {
    records.clear();
    while (records.empty()) {
      const std::size_t blocks = team_.round([&](const RawBlock& block, std::size_t place) { parse_(block, parts_[place]); });
      if (blocks == 0) return false;
      for (std::size_t i = 0; i < blocks; ++i) {
        std::move(parts_[i].begin(), parts_[i].end(), std::back_inserter(records));
        parts_[i].clear();
      }
    }
    return true;
  }

  const BlockTeam& team() const { return team_; }
  void cancel() { team_.cancel(); }

 private:
  BlockTeam team_;
  Parse parse_;
  std::vector<std::vector<Record>> parts_;
};

}  // namespace smtrain::formats
