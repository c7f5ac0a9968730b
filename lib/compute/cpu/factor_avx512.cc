// See factor_kernels.h for what this may include.
#if defined(__x86_64__)
#include "factor_tile.h"

namespace smtrain::compute {

constinit const FactorKernels kFactorAvx512 = {"avx512", score<16>, gradient<16>};

}  // namespace smtrain::compute
#endif
