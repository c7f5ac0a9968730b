// The whole GPU backend on the CPU: its own plans, memory, pinned buffers and lanes over a device that holds work back, and its
// kernels block by block. What is left to a real device is CUDA itself.
#include "gpu/gpu_backend.h"

#include "base/error.h"
#include "compute/parity.h"
#include "gpu/fake_backend.h"

namespace {

using namespace smtrain;
using namespace smtrain::compute;
using namespace smtrain::compute::test;
using Catch::Contains;
using gpu::test::make;
using gpu::test::Made;
using gpu::test::Order;

}  // namespace

TEST_CASE("the GPU backend does every operation, whatever the order of threads and lanes", "[gpu]") {
  for (const Order order : {Order::ascending, Order::descending, Order::shuffled}) {
    for (const bool eager : {false, true}) {
      if (eager && order == Order::descending) continue;
      CAPTURE(static_cast<int>(order), eager);
      const Made made = make(order, eager);
      check_every_operation(*made.backend);
    }
  }
}

TEST_CASE("the GPU backend finds the centres of the CPU's wide kernels, bit for bit", "[gpu]") {
  const Made made = make(Order::shuffled);
  CpuBackend cpu(1, levels().back());
  if (levels().back() == KernelLevel::baseline) return;  // which has no fused multiply-add
  std::mt19937 random(seed());
  for (const std::size_t k : {13, 60, 200}) {
    CAPTURE(k, seed());
    const std::size_t n = 400, d = 45;
    const std::vector<float> x = random_rows(random, n, d), c = random_rows(random, k, d);
    std::vector<std::int32_t> ids[2];
    for (Backend* backend : {static_cast<Backend*>(made.backend.get()), static_cast<Backend*>(&cpu)}) {
      auto centers = backend->make_centers(k, d);
      backend->refresh(backend->main_queue(), *centers, matrix(*backend, c, k, d));
      const Mat out = backend->allocate(n, 1, DType::i32);
      backend->nearest(backend->main_queue(), matrix(*backend, x, n, d), *centers, out, {});
      ids[backend == &cpu ? 1 : 0] = values<std::int32_t>(*backend, out);
    }
    CHECK((ids[0] == ids[1]));
  }
}

TEST_CASE("the same calls give the same bytes from the GPU backend, and a row does not depend on its neighbours", "[gpu]") {
  std::mt19937 random(seed());
  const std::size_t n = 900, d = 70, k = 40;
  const std::vector<float> x = random_rows(random, n, d), c = random_rows(random, k, d);
  auto run = [&](Order order, std::size_t first, std::size_t count) {
    const Made made = make(order);
    Backend& backend = *made.backend;
    auto centers = backend.make_centers(k, d);
    backend.refresh(backend.main_queue(), *centers, matrix(backend, c, k, d));
    const Mat rows = matrix(backend, x, n, d).row_range(first, count), ids = backend.allocate(count, 1, DType::i32);
    const Mat distances = backend.allocate(count, 1, DType::f32);
    const Mat sums = zeros(backend, k, d, DType::f64), counts = zeros(backend, k, 1, DType::f64), loss = zeros(backend, 1, 1, DType::f64);
    backend.nearest(backend.main_queue(), rows, *centers, ids, distances);
    backend.nearest_sum(backend.main_queue(), rows, {}, *centers, {}, sums, counts, loss);
    return std::make_tuple(values<std::int32_t>(backend, ids), values<float>(backend, distances), values<double>(backend, sums),
                           values<double>(backend, loss));
  };
  const auto whole = run(Order::ascending, 0, n);
  CHECK((run(Order::shuffled, 0, n) == whole));
  for (const std::size_t count : {1, 7, 128, 300}) {
    const std::size_t first = random() % (n - count);
    const auto part = run(Order::descending, first, count);
    for (std::size_t i = 0; i < count; ++i) {
      CHECK(std::get<0>(part)[i] == std::get<0>(whole)[first + i]);
      CHECK(std::get<1>(part)[i] == std::get<1>(whole)[first + i]);
    }
  }
}

TEST_CASE("warm steps of the GPU backend allocate nothing", "[gpu]") {
  const Made made = make(Order::ascending);
  Backend& backend = *made.backend;
  Queue& queue = backend.main_queue();
  std::mt19937 random(seed());
  const std::size_t n = 200, d = 9, k = 30;
  const std::vector<float> x = random_rows(random, n, d), w(n, 2.0f);
  auto centers = backend.make_centers(k, d);
  const Mat c = matrix(backend, random_rows(random, k, d), k, d), seen = zeros(backend, k, 1, DType::f64);
  const Mat sums = zeros(backend, k, d, DType::f64), counts = zeros(backend, k, 1, DType::f64), loss = zeros(backend, 1, 1, DType::f64);
  std::size_t warm = 0;
  for (int i = 0; i < 30; ++i) {
    backend.refresh(queue, *centers, c);
    backend.nearest_sum(queue, backend.stage(queue, x.data(), n, d, d, nullptr), backend.stage(queue, w.data(), n, 1, 1, nullptr), *centers,
                        {}, sums, counts, loss);
    backend.blend_means(queue, sums, counts, 1, c, seen);
    for (const Mat& m : {sums, counts, loss}) backend.zero(queue, m);
    if (i == 6) warm = made.device->allocations;
  }
  CHECK(made.device->allocations == warm);
}

TEST_CASE("the GPU backend says how much memory was wanted, and goes on without", "[gpu]") {
  const Made made = make(Order::ascending);
  made.device->limit = 1 << 20;
  CHECK_THROWS_WITH(made.backend->allocate(1024, 1024, DType::f32), Contains("4194304 bytes are wanted") && Contains("are free"));
  CHECK_THROWS_WITH(made.backend->allocate(std::size_t{1} << 40, std::size_t{1} << 40, DType::f32), Contains("1099511627776"));
  const std::vector<float> x{1, 2, 3};
  CHECK(values<float>(*made.backend, matrix(*made.backend, x, 1, 3)) == x);
}

TEST_CASE("the GPU backend refuses wrong arguments in the CPU's words", "[gpu]") {
  const Made made = make(Order::ascending);
  Backend& backend = *made.backend;
  Queue& queue = backend.main_queue();
  const Mat x = zeros(backend, 5, 4, DType::f32), ids = zeros(backend, 5, 1, DType::i32), c = zeros(backend, 3, 4, DType::f32);
  auto centers = backend.make_centers(3, 4);
  CHECK_THROWS_WITH(backend.nearest(queue, x, *centers, ids, {}), Contains("never refreshed"));
  backend.refresh(queue, *centers, c);
  CHECK_THROWS_WITH(backend.nearest(queue, x, *centers, ids.row_range(0, 4), {}), Contains("nearest: ids"));
  CHECK_THROWS_WITH(backend.gemm(queue, false, false, 1, x, x, 0, c), Contains("gemm: a"));
  CHECK_THROWS_WITH(backend.make_centers(0, 4), Contains("make_centers: 0 centres"));
  const Made other = make(Order::ascending);
  CHECK_THROWS_WITH(other.backend->nearest(queue, x, *centers, ids, {}), Contains("another backend"));
}

TEST_CASE("rows and sparse numbers that take more than one pinned buffer arrive whole", "[gpu]") {
  const Made made = make(Order::ascending);
  std::mt19937 random(seed());
  check_densify(*made.backend, random, 1200, 2000, 0.9);  // more than a million numbers
  const std::size_t cols = 2'500'001;  // a row is longer than a buffer
  const std::vector<float> x = random_rows(random, 2, cols);
  CHECK((values<float>(*made.backend, matrix(*made.backend, x, 2, cols)) == x));
  check_stream_of_batches(*made.backend, random, 5, 900, 2400);  // 8.6 MB each
}
