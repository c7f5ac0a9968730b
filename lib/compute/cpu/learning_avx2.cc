// See learning_kernels.h for what this may include.
#if defined(__x86_64__)
#include "learning_tile.h"

namespace smtrain::compute {

constinit const LearningKernels kLearningAvx2 = {"avx2", standardize, standardize_f64, add_scaled, dot, derive_loss, step};

}  // namespace smtrain::compute
#endif
