// For every CPU. See factor_kernels.h for what this may include.
#include "factor_tile.h"

namespace smtrain::compute {

constinit const FactorKernels kFactorBaseline = {"baseline", score<4>, gradient<4>};

}  // namespace smtrain::compute
