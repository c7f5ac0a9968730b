#include "compute/cuda_module.h"

namespace smtrain::compute {
namespace {

const CudaModule& cuda_module() { return *static_cast<const CudaModule*>(open_module("libsmtrain_cuda.so", SMTRAIN_CUDA_STAMP).open); }

}  // namespace

CudaReport probe_cuda(std::optional<int> wanted, int local_rank) {
  try {
    return cuda_module().probe(wanted, local_rank);
  } catch (const Error& e) {
    CudaReport report;
    report.missing = CudaMissing::module;
    report.problem = e.what();
    return report;
  }
}

std::unique_ptr<Backend> make_cuda_backend(const CudaReport& report, Log& log) {
  return cuda_module().make_backend(host_services(log), report);
}

}  // namespace smtrain::compute
