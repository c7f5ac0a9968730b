// The GPU backend over a fake device that the test keeps looking at.
#pragma once

#include "base/log.h"
#include "gpu/fake_device.h"
#include "gpu/gpu_backend.h"

namespace smtrain::gpu::test {

struct Made {
  FakeDevice* device;
  std::unique_ptr<GpuBackend> backend;
};

inline Made make(Order order, bool eager = false) {
  static NullLog log;
  auto device = std::make_unique<FakeDevice>(order, eager);
  FakeDevice* seen = device.get();
  return {seen, std::make_unique<GpuBackend>(host_services(log), std::move(device), compute::DeviceInfo{"fake", "fake", "fake", 0, 1})};
}

}  // namespace smtrain::gpu::test
