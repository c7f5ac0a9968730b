// See score_kernels.h for what this may include.
#include "score_tile.h"

namespace smtrain::rcf {

constinit const ScoreKernels kScoreBaseline = {"baseline", score};

}  // namespace smtrain::rcf
