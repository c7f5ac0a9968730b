#include "base/memory.h"

#include <catch2/catch.hpp>
#include <cstdint>
#include <cstring>

#include "base/error.h"

namespace smtrain {

TEST_CASE("blocks start at 64 bytes and can be written to their last byte") {
  for (const std::size_t bytes : {0u, 1u, 63u, 64u, 65u, 100000u, (2u << 20) - 1, 2u << 20, (5u << 20) + 7}) {
    const std::shared_ptr<char> block = allocate_aligned(bytes);
    CAPTURE(bytes);
    REQUIRE(block);
    CHECK(reinterpret_cast<std::uintptr_t>(block.get()) % 64 == 0);
    std::memset(block.get(), 0x5a, bytes);
  }
}

TEST_CASE("an impossible size is the machine's fault and the message states it") {
  try {
    allocate_aligned(std::size_t{1} << 60);
    FAIL("allocated an exbibyte");
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::machine);
    CHECK(std::string(error.what()).find("1.0 EiB") != std::string::npos);
  }
  CHECK_THROWS_AS(allocate_aligned(~std::size_t{0}), Error);
}

TEST_CASE("an array whose size overflows is refused") {
  CHECK_THROWS_AS(allocate_array<double>((~std::size_t{0}) / 4), Error);
  const std::shared_ptr<double> numbers = allocate_array<double>(10);
  numbers.get()[9] = 1;
  CHECK(numbers.get()[9] == 1);
}

}  // namespace smtrain
