// Keeps OpenBLAS on the calling thread.
#pragma once

#ifdef _OPENMP
#include <omp.h>
#endif

namespace smtrain::compute {

/// OpenBLAS asks OpenMP how many threads it may use, and a region of one thread or none at all would mean all of them: other bits.
class OneThread {
 public:
#ifdef _OPENMP
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
#else
  OneThread() = default;
#endif
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
#ifdef _OPENMP
  int before_;
#endif
};

}  // namespace smtrain::compute
