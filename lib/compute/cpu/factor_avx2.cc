// See factor_kernels.h for what this may include.
#if defined(__x86_64__)
#include "factor_tile.h"

namespace smtrain::compute {

constinit const FactorKernels kFactorAvx2 = {"avx2", score<8>, gradient<8>};

}  // namespace smtrain::compute
#endif
