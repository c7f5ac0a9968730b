// The k-means step of the CPU backend beside what the machine can do: the rate of fused multiply-adds with all threads, and
// of copying and reading memory. Cases are n rows of d numbers in mini-batches of 5000 and k centres.
//
// OMP_NUM_THREADS sets the threads. Counters: GFLOPs counts 2 n d k per pass, GBs the bytes of the rows.
#include <benchmark/benchmark.h>
#include <omp.h>

#include <cstring>
#include <memory>
#include <vector>

#include "base/memory.h"
#include "base/random.h"
#include "compute/cpu/cpu_backend.h"

namespace {

using namespace smtrain;
using namespace smtrain::compute;

constexpr std::size_t kBatch = 5000;
constexpr std::size_t kLarge = 60000 * 784;  // numbers: MNIST, 188 MB

std::shared_ptr<float> normal_numbers(std::size_t count) {
  auto x = allocate_array<float>(count);
#pragma omp parallel for
  for (std::size_t block = 0; block < (count + 65535) / 65536; ++block) {
    RandomStream random(1, "bench-" + std::to_string(block % 64));
    for (std::size_t i = block * 65536; i < std::min(count, (block + 1) * 65536); ++i)
      x.get()[i] = static_cast<float>(random.normal());
  }
  return x;
}

#if defined(__x86_64__)
// Sixteen chains of fused multiply-adds; more than latency times throughput.
__attribute__((target("avx512f"), noinline)) void fma_chains(std::size_t steps) {
#define SMTRAIN_FMA(i) "vfmadd213ps %%zmm31, %%zmm30, %%zmm" #i "\n\t"
  asm volatile("vxorps %%xmm30, %%xmm30, %%xmm30\n\t"
               "vxorps %%xmm31, %%xmm31, %%xmm31\n\t"
               "1:\n\t" SMTRAIN_FMA(0) SMTRAIN_FMA(1) SMTRAIN_FMA(2) SMTRAIN_FMA(3) SMTRAIN_FMA(4) SMTRAIN_FMA(5)
                   SMTRAIN_FMA(6) SMTRAIN_FMA(7) SMTRAIN_FMA(8) SMTRAIN_FMA(9) SMTRAIN_FMA(10) SMTRAIN_FMA(11)
                       SMTRAIN_FMA(12) SMTRAIN_FMA(13) SMTRAIN_FMA(14) SMTRAIN_FMA(15) "dec %0\n\t"
               "jnz 1b\n\t"
               : "+r"(steps)
               :
               : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
                 "xmm12", "xmm13", "xmm14", "xmm15", "xmm30", "xmm31");
#undef SMTRAIN_FMA
}

void peak_fma_avx512(benchmark::State& state) {
  if (!__builtin_cpu_supports("avx512f")) return state.SkipWithError("no AVX-512");
  constexpr std::size_t steps = 1 << 20;
  for (auto _ : state) {
#pragma omp parallel
    fma_chains(steps);
  }
  const double flops = 2.0 * 16 * 16 * steps * omp_get_max_threads() * static_cast<double>(state.iterations());
  state.counters["GFLOPs"] = benchmark::Counter(flops / 1e9, benchmark::Counter::kIsRate);
}
BENCHMARK(peak_fma_avx512)->UseRealTime()->Unit(benchmark::kMillisecond);
#endif

void memory_copy(benchmark::State& state) {
  const auto from = normal_numbers(kLarge), to = allocate_array<float>(kLarge);
  constexpr std::size_t piece = 1 << 16;
  std::memset(to.get(), 0, kLarge * sizeof(float));  // its pages exist
  for (auto _ : state) {
#pragma omp parallel for schedule(static)
    for (std::size_t i = 0; i < kLarge / piece; ++i)
      std::memcpy(to.get() + i * piece, from.get() + i * piece, piece * sizeof(float));
  }
  const double bytes = static_cast<double>(kLarge / piece * piece * sizeof(float) * state.iterations());
  state.counters["GBs"] = benchmark::Counter(bytes / 1e9, benchmark::Counter::kIsRate);
}
BENCHMARK(memory_copy)->UseRealTime()->Unit(benchmark::kMillisecond);

void memory_read(benchmark::State& state) {
  const auto from = normal_numbers(kLarge);
  for (auto _ : state) {
    typedef std::uint64_t V __attribute__((vector_size(64)));
    const V* x = reinterpret_cast<const V*>(from.get());
#pragma omp parallel
    {
      V sum[4] = {};
#pragma omp for schedule(static)
      for (std::size_t i = 0; i < kLarge / 64; ++i)
        for (std::size_t j = 0; j < 4; ++j) sum[j] ^= x[i * 4 + j];
      const V all = sum[0] ^ sum[1] ^ sum[2] ^ sum[3];
      std::uint64_t one = all[0] ^ all[7];
      benchmark::DoNotOptimize(one);
    }
  }
  const double bytes = static_cast<double>(kLarge * sizeof(float) * static_cast<std::size_t>(state.iterations()));
  state.counters["GBs"] = benchmark::Counter(bytes / 1e9, benchmark::Counter::kIsRate);
}
BENCHMARK(memory_read)->UseRealTime()->Unit(benchmark::kMillisecond);

// Arguments: rows, d, k, whether the loss is wanted, threads (0: all).
void nearest_sum(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0)), d = static_cast<std::size_t>(state.range(1)),
             k = static_cast<std::size_t>(state.range(2));
  const bool with_loss = state.range(3) != 0;
  CpuBackend backend(state.range(4) == 0 ? omp_get_max_threads() : static_cast<int>(state.range(4)), kernel_level());
  Queue& queue = backend.main_queue();
  const auto x = normal_numbers(n * d);
  const auto centers = backend.make_centers(k, d);
  backend.refresh(queue, *centers, backend.stage(queue, x.get(), k, d, d, nullptr));
  const Mat sums = backend.allocate(k, d, DType::f64), counts = backend.allocate(k, 1, DType::f64);
  const Mat loss = with_loss ? backend.allocate(1, 1, DType::f64) : Mat{};
  backend.zero(queue, sums);
  backend.zero(queue, counts);
  if (with_loss) backend.zero(queue, loss);
  for (auto _ : state) {
    for (std::size_t i = 0; i < n; i += kBatch) {
      const Mat rows = backend.stage(queue, x.get() + i * d, std::min(kBatch, n - i), d, d, nullptr);
      backend.nearest_sum(queue, rows, {}, *centers, {}, sums, counts, loss);
    }
  }
  const double numbers = static_cast<double>(n * d) * static_cast<double>(state.iterations());
  state.counters["GFLOPs"] = benchmark::Counter(2 * numbers * static_cast<double>(k) / 1e9, benchmark::Counter::kIsRate);
  state.counters["GBs"] = benchmark::Counter(4 * numbers / 1e9, benchmark::Counter::kIsRate);
}
BENCHMARK(nearest_sum)
    ->ArgNames({"n", "d", "k", "loss", "threads"})
    ->ArgsProduct({{60000}, {784}, {10}, {0, 1}, {0, 1}})
    ->ArgsProduct({{100000}, {32}, {100}, {0, 1}, {0, 1}})
    ->ArgsProduct({{100000}, {32}, {1000}, {0, 1}, {0, 1}})
    ->ArgsProduct({{20000}, {784}, {1000}, {1}, {0}})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void min_distance(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0)), d = static_cast<std::size_t>(state.range(1));
  CpuBackend backend(omp_get_max_threads(), kernel_level());
  Queue& queue = backend.main_queue();
  const auto x = normal_numbers(n * d);
  const Mat rows = backend.stage(queue, x.get(), n, d, d, nullptr), d2 = backend.allocate(n, 1, DType::f32);
  std::fill_n(d2.at<float>(), n, 1e30f);
  for (auto _ : state) backend.min_distance(queue, rows, rows.row_range(3, 1), d2);
  const double bytes = static_cast<double>(4 * n * d) * static_cast<double>(state.iterations());
  state.counters["GBs"] = benchmark::Counter(bytes / 1e9, benchmark::Counter::kIsRate);
}
BENCHMARK(min_distance)
    ->ArgNames({"n", "d"})
    ->Args({60000, 784})
    ->Args({100000, 32})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// Arguments: rows, d, threads (0: all), whether by panels of gemm. GFLOPs counts one triangle.
void add_gram(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0)), d = static_cast<std::size_t>(state.range(1));
  CpuBackend backend(state.range(2) == 0 ? omp_get_max_threads() : static_cast<int>(state.range(2)), kernel_level());
  Queue& queue = backend.main_queue();
  const auto x = normal_numbers(n * d);
  const Mat y = backend.allocate(n, d, DType::f64), g = backend.allocate(d, d, DType::f64);
  std::copy_n(x.get(), n * d, y.at<double>());
  backend.zero(queue, g);
  for (auto _ : state) state.range(3) != 0 ? backend.Backend::add_gram(queue, y, g) : backend.add_gram(queue, y, g);
  const double pairs = static_cast<double>(n * d * (d + 1)) * static_cast<double>(state.iterations());
  state.counters["GFLOPs"] = benchmark::Counter(pairs / 1e9, benchmark::Counter::kIsRate);
}
BENCHMARK(add_gram)
    ->ArgNames({"n", "d", "threads", "panels"})
    ->ArgsProduct({{1920}, {200, 785}, {0, 1}, {0, 1}})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
