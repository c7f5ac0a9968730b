#include "formats/image/decode.h"

#include <algorithm>

#include "base/error.h"
#include "formats/image/codec.h"

namespace smtrain::formats::image {
namespace {

int denominator_for(const ImageInfo& info, std::uint32_t short_side) {
  if (short_side == 0) return 1;
  const std::uint32_t shorter = std::min(info.width, info.height);
  for (const int d : {8, 4, 2}) {
    const auto n = static_cast<std::uint32_t>(d);
    if ((shorter + n - 1) / n >= short_side) return d;
  }
  return 1;
}

int quality_of(const EncodeOptions& options) { return options.quality.value_or(options.kind == ImageKind::jpeg ? 95 : 6); }

}  // namespace

ImageInfo decode_image(std::span<const char> bytes, const DecodeOptions& options, Pixels& pixels) {
  const ImageInfo info = read_image_info(bytes, options.max_pixels);
  if (info.kind == ImageKind::jpeg) decode_jpeg(bytes, denominator_for(info, options.short_side), pixels);
  else decode_png(bytes, pixels);
  return info;
}

void check_encoding(const EncodeOptions& options) {
  const bool jpeg = options.kind == ImageKind::jpeg;
  const int quality = quality_of(options), low = jpeg ? 1 : 0, high = jpeg ? 100 : 9;
  if (quality >= low && quality <= high) return;
  throw user_error("--quality {}: expected {} to {} for {}", quality, low, high, jpeg ? "JPEG" : "PNG, which is the level of compression");
}

std::string encode_image(const Pixels& pixels, const EncodeOptions& options) {
  std::string bytes;
  if (options.kind == ImageKind::jpeg) encode_jpeg(pixels, quality_of(options), bytes);
  else encode_png(pixels, quality_of(options), bytes);
  return bytes;
}

}  // namespace smtrain::formats::image
