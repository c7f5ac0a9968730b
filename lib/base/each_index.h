// Work that falls apart into numbered pieces, done by a team of threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>

#include "base/error.h"
#include "base/parallel.h"
#include "base/signals.h"

namespace smtrain {

/// Calls body(i) for each i below `count`, on up to `threads` threads, in about ascending order. What it throws ends the work and
/// is rethrown, the smallest index's first, so that a report does not depend on timing; a stop request ends it, too.
template <class F>
void each_index(int threads, std::size_t count, F&& body) {
  std::atomic<std::size_t> next{0};
  ExceptionTrap trap;
  const std::size_t team = std::min<std::size_t>(static_cast<std::size_t>(std::max(threads, 1)), std::max<std::size_t>(count, 1));
  run_team(static_cast<int>(team), [&](int) {
    // A piece that was begun is finished, so the smallest failing index is always reached.
    while (!trap.caught()) {
      const std::size_t i = next++;
      if (i >= count) return;
      trap.run(i, [&] {
        throw_if_stopped();
        body(i);
      });
    }
  });
  trap.rethrow();
}

}  // namespace smtrain
