// See learning_kernels.h for what this may include.

#include "learning_tile.h"

namespace smtrain::compute {

constinit const LearningKernels kLearningBaseline = {"baseline", standardize, standardize_f64, add_scaled, dot, derive_loss, step};

}  // namespace smtrain::compute

