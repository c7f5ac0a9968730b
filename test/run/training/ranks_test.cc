#include "run/training/ranks.h"

#include <catch2/catch.hpp>

namespace smtrain::run {
namespace {

TEST_CASE("ranks: a process has its part of the CPUs that it shares", "[run][ranks]") {
  const std::vector<int> low = {0, 1, 2, 3}, high = {4, 5, 6, 7}, all = {0, 1, 2, 3, 4, 5, 6, 7};
  CHECK(cpus_of_one(low, {low, high}) == 4);
  CHECK(cpus_of_one(all, {all, all}) == 4);
  CHECK(cpus_of_one(all, {all, all, all}) == 2);  // 8 / 3
  CHECK(cpus_of_one(all, {low, all}) == 6);
  CHECK(cpus_of_one({3}, {{3}, {3}, {3}}) == 1);
  CHECK(cpus_of_one(low, {}) == 4);
}

TEST_CASE("ranks: one process has all, and nothing to agree on", "[run][ranks]") {
  Ranks alone;
  CHECK(alone.communicator() == nullptr);
  CHECK(alone.tells());
  CHECK(alone.available().threads.value == default_threads().value);
  CHECK(alone.available().for_more.empty());
  alone.leave();
}

}  // namespace
}  // namespace smtrain::run
