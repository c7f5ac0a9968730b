// Images as files hold them to pixels and back.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "formats/image/image_info.h"
#include "formats/image/pixels.h"

namespace smtrain::formats::image {

struct DecodeOptions {
  std::uint64_t max_pixels = kMaxImagePixels;
  /// When not 0, a JPEG may come at a half, a quarter or an eighth of its size (which is much faster), so long as its shorter
  /// side has this many pixels still.
  std::uint32_t short_side = 0;
};

/// Decodes a JPEG or PNG: grey is replicated, alpha dropped, CMYK converted, 16 bits cut to 8; the pixels lie as stored, whatever
/// the EXIF orientation says (it is in the result). `pixels` is reused. Throws a user Error, without a place, for everything that
/// read_image_info() refuses and for data that is cut off or damaged. Thread-safe.
ImageInfo decode_image(std::span<const char> bytes, const DecodeOptions& options, Pixels& pixels);

struct EncodeOptions {
  ImageKind kind = ImageKind::jpeg;
  /// JPEG: 1 to 100, default 95; PNG: deflate's level, 0 to 9, default 6.
  std::optional<int> quality;
};

/// Throws a user Error for a quality out of range.
void check_encoding(const EncodeOptions& options);

/// The file's bytes; the same for the same pixels and options. Thread-safe.
std::string encode_image(const Pixels& pixels, const EncodeOptions& options);

}  // namespace smtrain::formats::image
