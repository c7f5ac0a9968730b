#include "gpu/gpu_backend.h"

namespace smtrain::gpu {

using compute::CsrView;
using compute::LossRule;
using compute::Mat;
using compute::Queue;
using compute::StepRule;

namespace {

constexpr const char* kMissing = "is not done by the CUDA module yet; give --device cpu";

}  // namespace

void GpuBackend::standardize(Queue&, const Mat&, const Mat&, const Mat&, const Mat&) { fail(Fault::user, fmt::format("standardize {}", kMissing)); }
std::unique_ptr<compute::Backend::SparseRows> GpuBackend::make_sparse_rows() { fail(Fault::user, fmt::format("make_sparse_rows {}", kMissing)); }
void GpuBackend::load(Queue&, SparseRows&, const CsrView&, const Mat&, std::shared_ptr<const void>) { fail(Fault::user, fmt::format("load {}", kMissing)); }
std::unique_ptr<compute::Backend::RowSet> GpuBackend::make_row_set(std::size_t) { fail(Fault::user, fmt::format("make_row_set {}", kMissing)); }
void GpuBackend::multiply(Queue&, const SparseRows&, const Mat&, const Mat&) { fail(Fault::user, fmt::format("multiply {}", kMissing)); }
void GpuBackend::multiply_transposed(Queue&, const SparseRows&, const Mat&, const Mat&, RowSet&) { fail(Fault::user, fmt::format("multiply_transposed {}", kMissing)); }
compute::Backend::PickedRows GpuBackend::pick(Queue&, const RowSet&, const Mat&) { fail(Fault::user, fmt::format("pick {}", kMissing)); }
void GpuBackend::put(Queue&, const PickedRows&, RowSet&, const Mat&) { fail(Fault::user, fmt::format("put {}", kMissing)); }
void GpuBackend::derive_loss(Queue&, const LossRule&, const Mat&, const Mat&, const Mat&, const Mat&, const Mat&, const Mat&, const Mat&) {
  fail(Fault::user, fmt::format("derive_loss {}", kMissing));
}
void GpuBackend::step(Queue&, const StepRule&, const Mat&, const Mat&, const Mat&, const Mat&, const Mat&, RowSet*) { fail(Fault::user, fmt::format("step {}", kMissing)); }

}  // namespace smtrain::gpu
