// See score_kernels.h for what this may include.
#if defined(__x86_64__)
#include "score_tile.h"

namespace smtrain::rcf {

constinit const ScoreKernels kScoreAvx2 = {"avx2", score};

}  // namespace smtrain::rcf
#endif
