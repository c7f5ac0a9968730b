#include "run/device.h"

#include <catch2/catch.hpp>

#include "base/error.h"

namespace smtrain::run {
namespace {

using Catch::Matchers::Contains;

CommonSettings asking_for(const char* device) {
  CommonSettings common;
  common.threads = {1, "default"};
  common.device = {device, "--device"};
  return common;
}

}  // namespace

TEST_CASE("device: an algorithm that runs on the CPU alone gets it, and refuses another before anything starts", "[run][device]") {
  job::Description algorithm;
  algorithm.name = "slow-and-steady";
  algorithm.devices = {"cpu"};
  CollectedLog log;
  for (const char* device : {"cpu", "auto"}) {
    CHECK(make_backend(asking_for(device), algorithm, log)->device().kind == "cpu");
    CHECK_NOTHROW(check_device(asking_for(device), algorithm, log));
  }
  REQUIRE(log.lines.size() == 2);
  CHECK_THAT(log.lines[1].second, Contains("slow-and-steady runs on the CPU alone"));
  for (const char* device : {"cuda", "cuda:1"}) {
    const std::string refusal = "--device " + std::string(device) + ": slow-and-steady runs on the CPU alone; give --device cpu or auto";
    CHECK_THROWS_WITH(make_backend(asking_for(device), algorithm, log), Contains(refusal));
    CHECK_THROWS_WITH(check_device(asking_for(device), algorithm, log), Contains(refusal));
  }
}

}  // namespace smtrain::run
