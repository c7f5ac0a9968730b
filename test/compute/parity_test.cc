#include "compute/factor_parity.h"

#include <iostream>

#include "base/error.h"
#include "compute/cuda_module.h"

using namespace smtrain::compute;
using namespace smtrain::compute::test;

namespace {

struct Named {
  std::string name;
  std::unique_ptr<Backend> backend;
};

// The CPU's kernel levels, and CUDA where there is a device; says on standard error which, and why not. With SMTRAIN_REQUIRE_CUDA
// CUDA has to be among them.
std::vector<Named> all_devices() {
  std::vector<Named> all;
  for (const smtrain::KernelLevel level : levels())
    all.push_back({fmt::format("cpu {}", smtrain::name_of(level)), std::make_unique<CpuBackend>(2, level)});
  static smtrain::NullLog log;
  const CudaReport report = probe_cuda(std::nullopt, 0);
  if (std::getenv("SMTRAIN_REQUIRE_CUDA") != nullptr) REQUIRE(report.problem == "");
  if (report.missing == CudaMissing::nothing) all.push_back({"cuda", make_cuda_backend(report, log)});
  std::string names;
  for (const Named& device : all) names += (names.empty() ? "" : ", ") + device.name;
  std::cerr << "parity: seed " << seed() << "; devices: " << names
            << (report.problem.empty() ? "" : "; cuda does not take part: " + report.problem) << std::endl;
  return all;
}

}  // namespace

TEST_CASE("every device does every operation as the plain form does", "[compute][parity][parity-small]") {
  for (const Named& device : all_devices()) {
    INFO(device.name);
    check_every_operation(*device.backend);
  }
}

TEST_CASE("every device does every operation for models of weights as the plain form does", "[compute][parity][parity-small]") {
  for (const Named& device : all_devices()) {
    INFO(device.name);
    check_learning(*device.backend);
    check_factorization(*device.backend);
  }
}

TEST_CASE("every device does what takes more than one buffer as the plain form does", "[compute][parity]") {
  for (const Named& device : all_devices()) {
    INFO(device.name);
    std::mt19937 random(seed());
    check_nearest_sum(*device.backend, random, {5000, 1000, 40}, true, true, true);
    check_densify(*device.backend, random, 1200, 2000, 0.9);
    check_stream_of_batches(*device.backend, random, 12, 40000, 64);
    check_sparse_products(*device.backend, random, 30000, 20000, 4, 0.9, true);
  }
}

TEST_CASE("a process takes the device it asks for, or its rank's", "[compute][cuda]") {
  CHECK(choose_device(std::nullopt, 0, 4) == 0);
  CHECK(choose_device(std::nullopt, 3, 4) == 3);
  CHECK(choose_device(std::nullopt, 5, 4) == 1);
  CHECK(choose_device(std::nullopt, 7, 1) == 0);
  CHECK(choose_device(2, 0, 4) == 2);
  CHECK(choose_device(2, 7, 4) == 2);
  CHECK(choose_device(4, 0, 4) == std::nullopt);
  CHECK(choose_device(-1, 0, 4) == std::nullopt);
  CHECK(choose_device(0, 0, 0) == std::nullopt);
  CHECK(choose_device(std::nullopt, 0, 0) == std::nullopt);
}
