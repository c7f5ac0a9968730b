// Kernels on the CPU: blocks one after the other, the threads of a phase in any order that a test asks for. As no thread may read
// in a phase what another one writes in it, every order must give the same bytes; a missing barrier shows as a difference.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

namespace smtrain::gpu::test {

enum class Order { ascending, descending, shuffled };

template <class Kernel>
struct HostBlock {
  std::vector<typename Kernel::Registers> registers = std::vector<typename Kernel::Registers>(Kernel::kThreads);
  std::vector<int> threads = std::vector<int>(Kernel::kThreads);
  Order order = Order::ascending;
  std::mt19937 random{1};

  template <class F>
  void phase(F&& work) {
    std::iota(threads.begin(), threads.end(), 0);
    if (order == Order::descending) std::reverse(threads.begin(), threads.end());
    if (order == Order::shuffled) std::shuffle(threads.begin(), threads.end(), random);
    for (const int t : threads) work(t, registers[static_cast<std::size_t>(t)]);
  }
};

/// All blocks of the kernel's grid, in the same kind of order. Shared memory starts as garbage, as on a device.
template <class Kernel>
void run_on_host(const Kernel& kernel, Order order) {
  auto shared = std::make_unique<typename Kernel::Shared>();
  const std::size_t blocks = kernel.blocks();
  for (std::size_t i = 0; i < blocks; ++i) {
    std::fill_n(reinterpret_cast<unsigned char*>(shared.get()), sizeof *shared, static_cast<unsigned char>(0xC5));
    HostBlock<Kernel> block;
    block.order = order;
    kernel.run(block, *shared, order == Order::descending ? blocks - 1 - i : i);
  }
}

}  // namespace smtrain::gpu::test
