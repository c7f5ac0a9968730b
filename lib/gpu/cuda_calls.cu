// One global function runs every kernel: a grid of blocks, each the struct's run() with its index.
#include "gpu/cuda_calls.h"

#include <cuda_runtime_api.h>

namespace smtrain::gpu::cuda {
namespace {

// A phase on the device: all threads at once, then the barrier.
template <class Registers>
struct DeviceBlock {
  Registers& registers;

  template <class F>
  SMTRAIN_BOTH void phase(F&& work) {
#ifdef __CUDA_ARCH__
    work(static_cast<int>(threadIdx.x), registers);
    __syncthreads();
#else
    (void)work;
#endif
  }
};

template <class Kernel>
__global__ void __launch_bounds__(Kernel::kThreads, Kernel::kBlocksPerProcessor) run_kernel(const Kernel kernel) {
  __shared__ typename Kernel::Shared shared;
  typename Kernel::Registers registers;
  DeviceBlock<typename Kernel::Registers> block{registers};
  kernel.run(block, shared, blockIdx.x);
}

template <class Kernel>
int start(const Kernel& kernel, void* stream) {
  const std::size_t blocks = kernel.blocks();
  if (blocks == 0) return cudaSuccess;
  if (blocks > 0x7fffffff) return cudaErrorInvalidConfiguration;
  run_kernel<Kernel><<<static_cast<unsigned>(blocks), Kernel::kThreads, 0, static_cast<cudaStream_t>(stream)>>>(kernel);
  return cudaGetLastError();
}

cudaStream_t stream_of(void* stream) { return static_cast<cudaStream_t>(stream); }
cudaEvent_t event_of(void* event) { return static_cast<cudaEvent_t>(event); }

}  // namespace

int runtime_version() { return CUDART_VERSION; }
const char* error_name(int error) { return cudaGetErrorName(static_cast<cudaError_t>(error)); }
const char* error_text(int error) { return cudaGetErrorString(static_cast<cudaError_t>(error)); }
bool is_out_of_memory(int error) { return error == cudaErrorMemoryAllocation; }
void clear_error() { (void)cudaGetLastError(); }

int set_device(int device) { return cudaSetDevice(device); }
int memory(std::size_t* free, std::size_t* total) { return cudaMemGetInfo(free, total); }
int allocate(void** to, std::size_t bytes) { return cudaMalloc(to, bytes); }
int free(void* memory) { return cudaFree(memory); }
int allocate_pinned(void** to, std::size_t bytes) { return cudaHostAlloc(to, bytes, cudaHostAllocDefault); }
int free_pinned(void* memory) { return cudaFreeHost(memory); }

// Without the implicit ordering of the default stream.
int create_stream(void** stream) { return cudaStreamCreateWithFlags(reinterpret_cast<cudaStream_t*>(stream), cudaStreamNonBlocking); }
int destroy_stream(void* stream) { return cudaStreamDestroy(stream_of(stream)); }
int wait_stream(void* stream) { return cudaStreamSynchronize(stream_of(stream)); }
int create_event(void** event) { return cudaEventCreateWithFlags(reinterpret_cast<cudaEvent_t*>(event), cudaEventDisableTiming); }
int destroy_event(void* event) { return cudaEventDestroy(event_of(event)); }
int record_event(void* event, void* stream) { return cudaEventRecord(event_of(event), stream_of(stream)); }
int stream_wait_event(void* stream, void* event) { return cudaStreamWaitEvent(stream_of(stream), event_of(event), 0); }
int wait_event(void* event) { return cudaEventSynchronize(event_of(event)); }

// A two-dimensional copy limits the distance between rows, so that one row, or rows without gaps, go as one piece.
int copy(Way way, void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch, std::size_t row_bytes, std::size_t rows,
         void* stream) {
  const cudaMemcpyKind kind = way == Way::to_device ? cudaMemcpyHostToDevice
                              : way == Way::to_host ? cudaMemcpyDeviceToHost
                                                    : cudaMemcpyDeviceToDevice;
  if (rows == 1 || (to_pitch == row_bytes && from_pitch == row_bytes))
    return cudaMemcpyAsync(to, from, row_bytes * rows, kind, stream_of(stream));
  return cudaMemcpy2DAsync(to, to_pitch, from, from_pitch, row_bytes, rows, kind, stream_of(stream));
}

int zero(void* to, std::size_t pitch, std::size_t row_bytes, std::size_t rows, void* stream) {
  if (rows == 1 || pitch == row_bytes) return cudaMemsetAsync(to, 0, row_bytes * rows, stream_of(stream));
  return cudaMemset2DAsync(to, pitch, 0, row_bytes, rows, stream_of(stream));
}

int launch(const NearestNarrow& kernel, void* stream) { return start(kernel, stream); }
int launch(const NearestMiddle& kernel, void* stream) { return start(kernel, stream); }
int launch(const NearestWide& kernel, void* stream) { return start(kernel, stream); }
int launch(const MergeParts& kernel, void* stream) { return start(kernel, stream); }
int launch(const RowDistance& kernel, void* stream) { return start(kernel, stream); }
int launch(const HalfNorm& kernel, void* stream) { return start(kernel, stream); }
int launch(const CountDigits& kernel, void* stream) { return start(kernel, stream); }
int launch(const ScanCounts& kernel, void* stream) { return start(kernel, stream); }
int launch(const PlaceRows& kernel, void* stream) { return start(kernel, stream); }
int launch(const SumSegments& kernel, void* stream) { return start(kernel, stream); }
int launch(const JoinSegments& kernel, void* stream) { return start(kernel, stream); }
int launch(const LossTiles& kernel, void* stream) { return start(kernel, stream); }
int launch(const LossTotal& kernel, void* stream) { return start(kernel, stream); }
int launch(const BlendMeans& kernel, void* stream) { return start(kernel, stream); }
int launch(const SpellOut& kernel, void* stream) { return start(kernel, stream); }
int launch(const Standardize<float>& kernel, void* stream) { return start(kernel, stream); }
int launch(const Standardize<double>& kernel, void* stream) { return start(kernel, stream); }
int launch(const ScaleValues& kernel, void* stream) { return start(kernel, stream); }
int launch(const TurnOver& kernel, void* stream) { return start(kernel, stream); }
int launch(const SparseProduct& kernel, void* stream) { return start(kernel, stream); }
int launch(const SumColumns<ProductColumns>& kernel, void* stream) { return start(kernel, stream); }
int launch(const JoinColumns& kernel, void* stream) { return start(kernel, stream); }
int launch(const FactorScores& kernel, void* stream) { return start(kernel, stream); }
int launch(const SumColumns<FactorColumns>& kernel, void* stream) { return start(kernel, stream); }
int launch(const PickRows& kernel, void* stream) { return start(kernel, stream); }
int launch(const PutRows& kernel, void* stream) { return start(kernel, stream); }
int launch(const JudgeTiles& kernel, void* stream) { return start(kernel, stream); }
int launch(const Soften& kernel, void* stream) { return start(kernel, stream); }
int launch(const SumTiles& kernel, void* stream) { return start(kernel, stream); }
int launch(const AddTiles<float>& kernel, void* stream) { return start(kernel, stream); }
int launch(const AddTiles<double>& kernel, void* stream) { return start(kernel, stream); }
int launch(const StepAll& kernel, void* stream) { return start(kernel, stream); }
int launch(const StepMarked& kernel, void* stream) { return start(kernel, stream); }
int launch(const ShiftedSquares& kernel, void* stream) { return start(kernel, stream); }
int launch(const SearchTile& kernel, void* stream) { return start(kernel, stream); }
int launch(const SearchFinish& kernel, void* stream) { return start(kernel, stream); }
int launch(const SearchAll& kernel, void* stream) { return start(kernel, stream); }

}  // namespace smtrain::gpu::cuda
