#include "compute/libraries.h"

#include <cblas.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#include <sstream>

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

}  // namespace

std::vector<Library> libraries() {
  std::vector<Library> all{openblas()};
#ifdef _OPENMP
  // The standard's date stands for the version: 201511 is OpenMP 4.5.
  all.push_back({"OpenMP", std::to_string(_OPENMP), "", "libgomp"});
#endif
  return all;
}

}  // namespace smtrain::compute
