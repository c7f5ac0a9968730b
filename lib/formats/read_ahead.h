// ReadAhead: a BlockFeed behind a thread, for sources that may block.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include "formats/block_feed.h"

namespace smtrain::formats {

/// Starts reading at once, at most `depth` blocks ahead. next() may be called from any thread, one at a time.
class ReadAhead {
 public:
  ReadAhead(BlockFeed& feed, std::size_t depth);
  ~ReadAhead();
  /// As BlockFeed::next; rethrows what reading threw. Throws the Error of an interrupted run while it waits.
  bool next(FeedBlock& block);
  /// Whether next() would return at once.
  bool ready();

 private:
  void run();

  BlockFeed& feed_;
  const std::size_t depth_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<FeedBlock> full_, empty_;
  std::exception_ptr error_;
  bool ended_ = false, cancelled_ = false;
  std::thread thread_;
};

}  // namespace smtrain::formats
