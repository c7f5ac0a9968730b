// Any bytes as an input file: plain, gzip or zstd. At most kMost bytes come out, or a user Error; piecewise the same. The
// bytes lie in memory only.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/file.h"
#include "formats/io/byte_stream.h"

using namespace smtrain;
using namespace smtrain::formats;

namespace {

// More than any window a small frame has, little enough for a bomb to end soon.
constexpr std::size_t kMost = std::size_t{256} << 10;

void require(bool condition) {
  if (!condition) std::abort();
}

std::optional<std::string> read(const InputFile& file, std::size_t step) {
  std::string out;
  try {
    const auto stream = open_bytes(file);
    std::string piece(step, '\0');
    while (out.size() < kMost) {
      const std::size_t got = stream->read(std::span(piece.data(), std::min(step, kMost - out.size())));
      out.append(piece, 0, got);
      if (got < step) break;
    }
    require(stream->consumed() <= *file.size);
  } catch (const Error& e) {
    require(e.fault() == Fault::user);
    return std::nullopt;
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const UniqueFd memory(::memfd_create("fuzz", MFD_CLOEXEC));
  require(static_cast<bool>(memory) && ::write(memory.get(), data, size) == static_cast<ssize_t>(size));
  const InputFile file{"/proc/self/fd/" + std::to_string(memory.get()), "fuzz", true, size};
  const auto whole = read(file, kMost);
  const auto pieces = read(file, 1000 + size % 100);
  // Where the output was cut off, one of them may not have seen a fault that lies behind.
  if (whole && pieces) require(*whole == *pieces);
  return 0;
}
