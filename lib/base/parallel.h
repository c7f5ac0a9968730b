// A team of threads: OpenMP's, or plain threads where the build has OpenMP off (ThreadSanitizer).
#pragma once

#ifdef _OPENMP
#include <omp.h>
#else
#include <thread>
#include <vector>
#endif

namespace smtrain {

/// Runs body(index) once on each of `threads` threads, index 0 on the caller; returns when all have ended. `body` must
/// not throw (see ExceptionTrap). Must be called from outside any other team.
template <class F>
void run_team(int threads, F&& body) {
#ifdef _OPENMP
#pragma omp parallel num_threads(threads)
  body(omp_get_thread_num());
#else
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i) others.emplace_back([&body, i] { body(i); });
  body(0);
  for (std::thread& t : others) t.join();
#endif
}

}  // namespace smtrain
