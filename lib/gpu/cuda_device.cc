#include "gpu/cuda_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "gpu/cublas.h"
#include "gpu/cuda_calls.h"

namespace smtrain::gpu {
namespace {

constexpr std::size_t kBlasWorkspace = std::size_t{32} << 20;  // what cuBLAS recommends for Hopper; enough for what came before

class CudaEvent final : public Event {
 public:
  explicit CudaEvent(void* handle) : handle_(handle) {}
  // CUDA keeps what is recorded or waited for until it is done.
  ~CudaEvent() override { (void)cuda::destroy_event(handle_); }
  void* handle() const { return handle_; }

 private:
  void* handle_;
};

void* handle_of(Event& event) { return static_cast<CudaEvent&>(event).handle(); }

class CudaDevice final : public Device {
 public:
  CudaDevice(const HostServices& services, const compute::CudaReport& report)
      : services_(services), index_(report.chosen),
        name_(fmt::format("CUDA device {} ({})", report.chosen, report.devices[static_cast<std::size_t>(report.chosen)].name)) {
    make_current();
    check(cuda::create_stream(&compute_), "start");
    check(cuda::create_stream(&copy_), "start");
    std::string version;
    if (const std::string problem = open_cublas(cuda::runtime_version() / 1000, blas_, version); !problem.empty())
      fail(Fault::machine, problem);
  }

  ~CudaDevice() override {
    (void)cuda::set_device(index_);
    if (blas_handle_ != nullptr) (void)blas_.destroy(blas_handle_);
    (void)cuda::free(blas_workspace_);
    for (void* stream : {compute_, copy_}) {
      if (stream != nullptr) (void)cuda::destroy_stream(stream);
    }
  }

  void make_current() override { check(cuda::set_device(index_), "start"); }

  void* allocate(std::size_t bytes, const char* what) override {
    void* memory = nullptr;
    const int error = cuda::allocate(&memory, bytes);
    if (cuda::is_out_of_memory(error)) {
      cuda::clear_error();
      fail(Fault::machine, fmt::format("{}: {}: no memory: {} bytes are wanted, {} are free", name_, what, bytes, free_bytes()));
    }
    check(error, what);
    return memory;
  }
  // cudaFree is known to wait for the device; its manual does not promise that.
  void free(void* memory) noexcept override {
    (void)cuda::set_device(index_);
    for (void* lane : {copy_, compute_}) (void)cuda::wait_stream(lane);
    (void)cuda::free(memory);
  }
  void* allocate_pinned(std::size_t bytes, const char* what) override {
    void* memory = nullptr;
    const int error = cuda::allocate_pinned(&memory, bytes);
    if (cuda::is_out_of_memory(error)) {
      cuda::clear_error();
      fail(Fault::machine, fmt::format("{}: {}: the machine has no {} bytes of memory to pin; see ulimit -l and free memory", name_, what, bytes));
    }
    check(error, what);
    return memory;
  }
  void free_pinned(void* memory) noexcept override { (void)cuda::free_pinned(memory); }
  std::size_t free_bytes() override {
    std::size_t free = 0, total = 0;
    return cuda::memory(&free, &total) == 0 ? free : 0;
  }

  std::unique_ptr<Event> make_event(const char* what) override {
    void* handle = nullptr;
    check(cuda::create_event(&handle), what);
    return std::make_unique<CudaEvent>(handle);
  }
  void record(Event& event, Lane lane, const char* what) override { check(cuda::record_event(handle_of(event), stream(lane)), what); }
  void make_wait(Lane lane, Event& event, const char* what) override {
    check(cuda::stream_wait_event(stream(lane), handle_of(event)), what);
  }
  void wait(Event& event, const char* what) override { check(cuda::wait_event(handle_of(event)), what); }
  void wait(Lane lane, const char* what) override { check(cuda::wait_stream(stream(lane)), what); }

  void upload(Lane lane, void* to, const Block2d& block, const void* from, const char* what) override {
    check(cuda::copy(cuda::Way::to_device, to, block.pitch, from, block.row_bytes, block.row_bytes, block.rows, stream(lane)), what);
  }
  void download(Lane lane, void* to, const void* from, const Block2d& block, const char* what) override {
    check(cuda::copy(cuda::Way::to_host, to, block.row_bytes, from, block.pitch, block.row_bytes, block.rows, stream(lane)), what);
    wait(lane, what);
  }
  void copy(Lane lane, void* to, const Block2d& block, const void* from, std::size_t from_pitch, const char* what) override {
    check(cuda::copy(cuda::Way::on_device, to, block.pitch, from, from_pitch, block.row_bytes, block.rows, stream(lane)), what);
  }
  void zero(Lane lane, void* to, const Block2d& block, const char* what) override {
    check(cuda::zero(to, block.pitch, block.row_bytes, block.rows, stream(lane)), what);
  }

  void multiply(const Product& p, const char* what) override {
    if (blas_handle_ == nullptr) start_blas(what);
    // Row-major c = a b is, to a library that counts by columns, c^T = b^T a^T with the operands as they lie in memory.
    const auto m = static_cast<std::int64_t>(p.n), n = static_cast<std::int64_t>(p.m), k = static_cast<std::int64_t>(p.k);
    const auto ld = [](std::size_t numbers) { return static_cast<std::int64_t>(std::max<std::size_t>(numbers, 1)); };
    const int first = p.transpose_b ? 1 : 0, second = p.transpose_a ? 1 : 0;
    if (p.in_float64) {
      check_blas(blas_.dgemm(blas_handle_, first, second, m, n, k, &p.alpha, static_cast<const double*>(p.b), ld(p.ldb),
                             static_cast<const double*>(p.a), ld(p.lda), &p.beta, static_cast<double*>(p.c), ld(p.ldc)), what);
    } else {
      const auto alpha = static_cast<float>(p.alpha), beta = static_cast<float>(p.beta);
      check_blas(blas_.sgemm(blas_handle_, first, second, m, n, k, &alpha, static_cast<const float*>(p.b), ld(p.ldb),
                             static_cast<const float*>(p.a), ld(p.lda), &beta, static_cast<float*>(p.c), ld(p.ldc)), what);
    }
  }

  void run(const NearestNarrow& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const NearestMiddle& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const NearestWide& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const MergeParts& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const RowDistance& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const HalfNorm& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const CountDigits& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const ScanCounts& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const PlaceRows& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const SumSegments& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const JoinSegments& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const LossTiles& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const LossTotal& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const BlendMeans& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const SpellOut& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const Standardize<float>& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const Standardize<double>& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const ScaleValues& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const TurnOver& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const SparseProduct& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const SumColumns<ProductColumns>& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const JoinColumns& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const FactorScores& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const SumColumns<FactorColumns>& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const PickRows& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const PutRows& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const JudgeTiles& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const Soften& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const SumTiles& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const AddTiles<float>& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const AddTiles<double>& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const StepAll& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const StepMarked& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const ShiftedSquares& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const SearchTile& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const SearchFinish& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }
  void run(const SearchAll& kernel, const char* what) override { check(cuda::launch(kernel, compute_), what); }

 private:
  void* stream(Lane lane) const { return lane == Lane::compute ? compute_ : copy_; }

  [[noreturn]] void fail(Fault fault, const std::string& problem) const {
    services_.fail(fault, problem);
    std::abort();  // fail throws
  }
  void check(int error, const char* what) const {
    if (error != 0) fail(Fault::machine, fmt::format("{}: {}: {} ({})", name_, what, cuda::error_text(error), cuda::error_name(error)));
  }
  void check_blas(int status, const char* what) const {
    if (status != 0) fail(Fault::machine, fmt::format("{}: {}: cuBLAS says {}", name_, what, blas_.status_string(status)));
  }

  // On the first product, as it takes time and memory. A workspace of its own keeps cuBLAS's choices, and so its bits, the same
  // from run to run; its default mathematics rounds no operand of a float32 product to TF32.
  void start_blas(const char* what) {
    check_blas(blas_.create(&blas_handle_), what);
    check_blas(blas_.set_stream(blas_handle_, compute_), what);
    blas_workspace_ = allocate(kBlasWorkspace, what);
    check_blas(blas_.set_workspace(blas_handle_, blas_workspace_, kBlasWorkspace), what);
    check_blas(blas_.set_math_mode(blas_handle_, 0), what);
  }

  const HostServices services_;
  const int index_;
  const std::string name_;
  void* compute_ = nullptr;
  void* copy_ = nullptr;
  Cublas blas_;
  void* blas_handle_ = nullptr;
  void* blas_workspace_ = nullptr;
};

}  // namespace

std::unique_ptr<Device> make_cuda_device(const HostServices& services, const compute::CudaReport& report) {
  return std::make_unique<CudaDevice>(services, report);
}

}  // namespace smtrain::gpu
