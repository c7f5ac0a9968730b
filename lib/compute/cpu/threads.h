// The OpenMP team, or its absence (the tsan preset builds without).
#pragma once

#include <algorithm>
#include <cstddef>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace smtrain::compute {

/// The number of this thread in its team.
inline int thread_number() {
#ifdef _OPENMP
  return omp_get_thread_num();
#else
  return 0;
#endif
}

/// The team for `tasks` pieces of work: no thread without one, never none.
inline int team_size(int threads, std::size_t tasks) {
  return static_cast<int>(std::clamp<std::size_t>(tasks, 1, static_cast<std::size_t>(std::max(threads, 1))));
}

/// Has a row of `numbers` on its way from memory while others are worked on: for rows whose places only the caller knows.
inline void fetch_row(const float* row, std::size_t numbers) {
  constexpr std::size_t kLine = 64 / sizeof(float);
  for (std::size_t i = 0; i < numbers; i += kLine) __builtin_prefetch(row + i);
}

}  // namespace smtrain::compute
