// RowCache: the batches of an epoch, kept for the later ones: in memory up to a limit, then in a scratch file where the source
// cannot be read again.
#pragma once

#include <cstdint>
#include <vector>

#include "base/log.h"
#include "formats/batch.h"
#include "formats/spool.h"

namespace smtrain::formats {

/// Filled by the first epoch in order, then replayed any number of times. Not thread-safe.
class RowCache {
 public:
  RowCache(std::uint64_t limit, Log& log) : limit_(limit), log_(log) {}

  /// The batch that begins at row `first_row` of the epoch. From the first one that memory does not hold on, batches go to
  /// scratch (`spools`) or are left to be read again.
  void keep(const Batch& batch, std::uint64_t first_row, bool spools);
  /// Starts a replay.
  void rewind();
  /// The next batch kept in memory; false behind the last.
  bool next(Batch& batch);
  /// The next batch from scratch.
  bool next_spooled(Batch& batch) { return spool_.next(batch); }

  /// Memory did not hold all.
  bool full() const { return full_; }
  /// Rows in memory: the first of the epoch.
  std::uint64_t rows() const { return rows_; }

 private:
  const std::uint64_t limit_;
  Log& log_;
  std::vector<Batch> batches_;
  std::size_t replayed_ = 0;
  std::uint64_t bytes_ = 0, rows_ = 0;
  bool full_ = false;
  Spool spool_;
};

}  // namespace smtrain::formats
