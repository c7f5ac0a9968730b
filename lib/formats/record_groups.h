// RecordGroups: records in groups that depend on the records alone, and groups into a file, so that outputs do not depend on
// threads.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "formats/chunk_sink.h"

namespace smtrain::formats {

/// How many records a reader gives at a time depends on the team that reads; groups do not. Not thread-safe.
template <class Record>
class RecordGroups {
 public:
  /// Replaces its argument by the next records; false at the end.
  using Next = std::function<bool(std::vector<Record>&)>;
  /// What a record takes of a group's room: its bytes, roughly.
  using Weight = std::size_t (*)(const Record&);
  RecordGroups(Next next, std::size_t room, Weight weight) : next_(std::move(next)), room_(room), weight_(weight) {}

  /// Replaces `group` by the next records, as many as fill its room; false when there are none.
  bool next(std::vector<Record>& group) {
    group.clear();
    for (std::size_t taken = 0; taken < room_; taken += weight_(group.back())) {
      if (at_ == ahead_.size()) {
        at_ = 0;
        if (!next_(ahead_)) {
          ahead_.clear();
          break;
        }
      }
      group.push_back(std::move(ahead_[at_++]));
    }
    return !group.empty();
  }

 private:
  Next next_;
  std::size_t room_;
  Weight weight_;
  std::vector<Record> ahead_;
  std::size_t at_ = 0;
};

/// Writes all records of a group, `chunk` of them at a time and thread.
template <class Record, class Append>
void write_group(ChunkSink& sink, const std::vector<Record>& group, std::size_t chunk, Append&& append) {
  sink.write((group.size() + chunk - 1) / chunk, [&](std::size_t index, std::string& out) {
    for (std::size_t i = index * chunk; i < std::min(group.size(), (index + 1) * chunk); ++i) append(out, group[i]);
  });
}

}  // namespace smtrain::formats
