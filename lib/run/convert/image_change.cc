#include "run/convert/image_change.h"

#include "base/error.h"
#include "formats/image/resize.h"

namespace smtrain::run {
namespace {

using formats::image::ImageKind;

constexpr std::int64_t kMaxSide = 65500;  // JPEG's

int as_int(const char* flag, std::int64_t value, std::int64_t low, std::int64_t high) {
  if (value < low || value > high) throw user_error("{} {}: expected {} to {}", flag, value, low, high);
  return static_cast<int>(value);
}

// What a quality alone is meant for.
std::optional<ImageKind> kind_of(const ImageOptions& options) {
  if (!options.encoding) return options.quality ? std::optional(ImageKind::jpeg) : std::nullopt;
  return *options.encoding == "png" ? ImageKind::png : ImageKind::jpeg;
}

}  // namespace

ImageChange::ImageChange(const ImageOptions& options)
    : encodes_(options.resize || options.center_crop || options.encoding || options.quality), crop_(options.center_crop), kind_(kind_of(options)) {
  if (encodes_ && options.pass_through) {
    throw user_error("--pass-through keeps the bytes of images, and goes with none of --resize, --center-crop, --encoding and --quality");
  }
  if (options.resize) side_ = static_cast<std::uint32_t>(as_int("--resize", *options.resize, 1, kMaxSide));
  if (options.quality) quality_ = as_int("--quality", *options.quality, 0, 100);
  if (kind_) formats::image::check_encoding({*kind_, quality_});
  if (options.max_image_pixels) {
    if (*options.max_image_pixels < 1) throw user_error("--max-image-pixels {}: expected at least 1", *options.max_image_pixels);
    decode_.max_pixels = static_cast<std::uint64_t>(*options.max_image_pixels);
  }
  decode_.short_side = side_;
}

formats::image::ImageInfo ImageChange::apply(std::string& bytes) const {
  if (!encodes_) return formats::image::check_image(bytes, decode_.max_pixels);
  formats::image::Pixels pixels;
  const formats::image::ImageInfo info = decode_image(bytes, decode_, pixels);
  if (info.orientation != 1) pixels = upright(pixels, info.orientation);
  if (crop_) pixels = centre_square(pixels);
  if (side_ != 0) pixels = resized_short_side(pixels, side_);
  const ImageKind kind = kind_.value_or(info.kind);
  bytes = encode_image(pixels, {kind, quality_});
  return info;
}

}  // namespace smtrain::run
