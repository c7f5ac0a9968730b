// BlockTeam: the blocks of some files, parsed by a team of threads.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "formats/block_feed.h"

namespace smtrain::formats {

struct BlockTeamOptions {
  int threads = 1;
  std::size_t block_bytes = std::size_t{1} << 20;
  std::size_t max_record_bytes = std::size_t{64} << 20;
};

/// The team reads (and decompresses) in turn and parses in parallel, so that memory is a block per thread. One caller.
class BlockTeam {
 public:
  /// `cutter` must outlive it.
  BlockTeam(std::vector<InputFile> files, RecordCutter& cutter, const BlockTeamOptions& options);

  /// The first bytes, before any round, as BlockFeed::head().
  std::span<const char> head(std::size_t wanted, std::string& source) { return feed_.head(wanted, source); }

  /// Called with a block and its place among those of the round, from 0, in file order; by several threads at a time.
  using Parse = std::function<void(const RawBlock& block, std::size_t place)>;
  /// Parses some blocks, at most blocks_per_round(), and returns how many; 0 at the end. Throws what parsing threw, the first in
  /// file order, or the Error of an interrupted run.
  std::size_t round(const Parse& parse);
  std::size_t blocks_per_round() const;

  /// Ends a round() that waits for a pipe; from any thread.
  void cancel() { feed_.cancel(); }

  /// Bytes of the files read so far, as they lie on disk.
  std::uint64_t bytes_consumed() const { return feed_.consumed(); }
  const std::vector<InputFile>& files() const { return feed_.files(); }

 private:
  BlockTeamOptions options_;
  BlockFeed feed_;
  std::vector<FeedBlock> blocks_;  // one per thread
  bool ended_ = false;
};

}  // namespace smtrain::formats
