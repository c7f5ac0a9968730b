#include "formats/block_team.h"

#include <algorithm>

#include "base/error.h"
#include "base/parallel.h"
#include "base/signals.h"

namespace smtrain::formats {

BlockTeam::BlockTeam(std::vector<InputFile> files, RecordCutter& cutter, const BlockTeamOptions& options)
    : options_(options), feed_(std::move(files), options.block_bytes, options.max_record_bytes),
      blocks_(static_cast<std::size_t>(std::max(options.threads, 1))) {
  feed_.set_cutter(cutter);
}

// Enough that the last block of a round costs little, few enough that what they become stays bounded with many threads.
std::size_t BlockTeam::blocks_per_round() const {
  const std::size_t t = blocks_.size();
  return t <= 4 ? 4 * t : t <= 16 ? 2 * t : t;
}

std::size_t BlockTeam::round(const Parse& parse) {
  throw_if_stopped();
  std::size_t taken = 0;
  std::mutex mutex;
  ExceptionTrap trap;
  const auto take = [&](FeedBlock& block, std::size_t& place) {
    std::lock_guard lock(mutex);
    if (ended_ || trap.caught() || taken == blocks_per_round()) return false;
    place = taken;
    bool got = false;
    trap.run(place, [&] { got = feed_.next(block); });
    if (got) ++taken;
    else ended_ = true;
    return got;
  };
  run_team(static_cast<int>(blocks_.size()), [&](int index) {
    FeedBlock& block = blocks_[static_cast<std::size_t>(index)];
    for (std::size_t place = 0; take(block, place);) trap.run(place, [&] { parse(block.raw, place); });
  });
  trap.rethrow();
  return taken;
}

}  // namespace smtrain::formats
