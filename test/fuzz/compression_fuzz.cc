// Any bytes as an input file: plain, gzip or zstd. At most kMost bytes come out, or a user Error; piecewise the same. The
// bytes lie in memory only.
#include <cstdint>
#include <optional>
#include <string>

#include "formats/io/byte_stream.h"
#include "fuzz_help.h"
#include "record_file.h"

using namespace smtrain;
using namespace smtrain::formats;
using fuzz::require;

namespace {

// More than any window a small frame has, little enough for a bomb to end soon.
constexpr std::size_t kMost = std::size_t{256} << 10;

std::optional<std::string> read(const InputFile& file, std::size_t step) {
  std::string out;
  const bool fine = fuzz::accepts([&] {
    const auto stream = open_bytes(file);
    std::string piece(step, '\0');
    while (out.size() < kMost) {
      const std::size_t got = stream->read(std::span(piece.data(), std::min(step, kMost - out.size())));
      out.append(piece, 0, got);
      if (got < step) break;
    }
    require(stream->consumed() <= *file.size);
  });
  return fine ? std::optional(out) : std::nullopt;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::RecordFile memory{std::string(fuzz::text_of(data, size))};
  const InputFile file = memory.input();
  const auto whole = read(file, kMost);
  const auto pieces = read(file, 1000 + size % 100);
  // Where the output was cut off, one of them may not have seen a fault that lies behind.
  if (whole && pieces) require(*whole == *pieces);
  return 0;
}
