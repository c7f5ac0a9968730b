// How fast the device copies its own memory: bytes read plus bytes written in a second, the ceiling of what is bound by memory. The
// median of 20 copies of 2 GiB, by the device's own clock. Prints the number; for device_bench --copy-bandwidth.
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

void check(cudaError_t error) {
  if (error == cudaSuccess) return;
  std::fprintf(stderr, "cuda_copy: %s\n", cudaGetErrorString(error));
  std::exit(1);
}

}  // namespace

int main() {
  constexpr std::size_t bytes = std::size_t{2} << 30;
  void *from = nullptr, *to = nullptr;
  cudaEvent_t begin, end;
  check(cudaMalloc(&from, bytes));
  check(cudaMalloc(&to, bytes));
  check(cudaMemset(from, 0x5a, bytes));
  check(cudaEventCreate(&begin));
  check(cudaEventCreate(&end));
  std::vector<float> ms;
  for (int i = 0; i < 23; ++i) {
    check(cudaEventRecord(begin));
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice));
    check(cudaEventRecord(end));
    check(cudaEventSynchronize(end));
    float took = 0;
    check(cudaEventElapsedTime(&took, begin, end));
    if (i >= 3) ms.push_back(took);
  }
  std::sort(ms.begin(), ms.end());
  std::printf("%.4g\n", 2.0 * static_cast<double>(bytes) / (static_cast<double>(ms[ms.size() / 2]) / 1e3));
  return 0;
}
