// Any bytes are an archive or a user Error. Runs in memory and touches no file.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/error.h"
#include "formats/archive/tar.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint64_t kLimit = std::uint64_t{1} << 20;
  try {
    std::uint64_t bytes = 0;
    for (const auto& [name, member] : smtrain::formats::read_tar_bytes({reinterpret_cast<const char*>(data), size}, "fuzz", kLimit)) {
      if (name.empty() || name.front() == '/') std::abort();
      bytes += member.size();
    }
    if (bytes > kLimit) std::abort();
  } catch (const smtrain::Error& error) {
    if (error.fault() != smtrain::Fault::user) std::abort();
  }
  return 0;
}
