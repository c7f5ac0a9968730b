// JPEG and PNG files: any bytes are an image or a user Error, and an image's pixels survive being written as PNG.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>

#include "formats/image/decode.h"
#include "formats/image/resize.h"
#include "fuzz_help.h"

using namespace smtrain;
using namespace smtrain::formats::image;

namespace {

constexpr std::uint64_t kMaxPixels = 1 << 16;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes(reinterpret_cast<const char*>(data), size);
  Pixels pixels, again;
  ImageInfo info;
  fuzz::accepts([&] { check_image(bytes, kMaxPixels); });
  fuzz::accepts([&] { decode_image(bytes, {.max_pixels = kMaxPixels, .short_side = 3}, again); });
  if (!fuzz::accepts([&] { info = decode_image(bytes, {.max_pixels = kMaxPixels}, pixels); })) return 0;
  if (pixels.width != info.width || pixels.height != info.height || info.orientation < 1 || info.orientation > 8) std::abort();
  if (pixels.rgb.size() != std::size_t{3} * info.width * info.height) std::abort();
  const std::string png = encode_image(pixels, {ImageKind::png, 1});
  decode_image(png, {}, again);
  if (again.rgb != pixels.rgb) std::abort();
  if (upright(pixels, info.orientation).rgb.size() != pixels.rgb.size()) std::abort();
  return 0;
}
