#include "compute/libraries.h"

#include <cblas.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#include <cstdlib>
#include <sstream>
#include <string_view>

#include "base/machine.h"

namespace smtrain::compute {
namespace {

// openblas_get_config() is "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH USE_OPENMP SkylakeX MAX_THREADS=128".
Library openblas() {
  std::istringstream config(openblas_get_config());
  std::string name, version;
  config >> name >> version;
  const int flavour = openblas_get_parallel();
  const char* const words[] = {"sequential", "pthread", "OpenMP"};
  return {"OpenBLAS", version,
          std::string(flavour >= 0 && flavour <= 2 ? words[flavour] : "unknown") + " flavour, core " + openblas_get_corename() + ", " +
              openblas_get_config(),
          "libopenblas"};
}

// OpenBLAS's name for a CPU whose kernels go with the level; "" where it chooses by itself.
const char* blas_core(KernelLevel level) {
#if defined(__x86_64__)
  switch (level) {
    case KernelLevel::avx512: return "SkylakeX";
    case KernelLevel::avx2: return "Haswell";
    case KernelLevel::baseline: return std::getenv("SMTRAIN_KERNELS") != nullptr && __builtin_cpu_supports("sse4.2") ? "Nehalem" : "";
  }
#endif
  (void)level;
  return "";
}

bool set_unless_there(const char* name, const char* value) { return std::getenv(name) == nullptr && setenv(name, value, 1) == 0; }

}  // namespace

bool set_up_libraries() {
  const bool waiting = std::getenv("GOMP_SPINCOUNT") == nullptr && set_unless_there("OMP_WAIT_POLICY", "passive");
  const std::string_view core = blas_core(kernel_level());
  if (core.empty() || core == openblas_get_corename()) return waiting;
  return set_unless_there("OPENBLAS_CORETYPE", core.data()) || waiting;
}

std::vector<Library> libraries() {
  std::vector<Library> all{openblas()};
#ifdef _OPENMP
  // The standard's date stands for the version: 201511 is OpenMP 4.5.
  all.push_back({"OpenMP", std::to_string(_OPENMP), "", "libgomp"});
#endif
  return all;
}

}  // namespace smtrain::compute
