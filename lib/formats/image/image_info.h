// What an image file says of itself, without decoding it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace smtrain::formats::image {

enum class ImageKind { jpeg, png };

/// "JPEG", "PNG"
const char* name_of(ImageKind kind);
/// ".jpg", ".png"
const char* suffix_of(ImageKind kind);

/// By the first bytes.
std::optional<ImageKind> image_kind(std::span<const char> bytes);

/// By suffix: .jpg, .jpeg, .png; case aside. Files of a folder that have another are no images.
bool has_image_suffix(std::string_view path);

/// The bound at which Pillow refuses: 3 bytes per pixel make half a GiB.
inline constexpr std::uint64_t kMaxImagePixels = 178'956'970;

struct ImageInfo {
  ImageKind kind = ImageKind::jpeg;
  std::uint32_t width = 0, height = 0;
  int channels = 3;     ///< as stored: 1 grey, 2 grey and alpha, 3 colours (a palette too), 4 colours and alpha, or CMYK
  int orientation = 1;  ///< EXIF's, 1 to 8; 1 where there is none: shown as stored
};

/// Reads the header. Throws a user Error, without a place, for what is neither JPEG nor PNG (its first bytes in words), for a
/// header that is cut off or damaged, for an image of no pixel, of more than `max_pixels`, or of more than that many bytes can
/// hold.
ImageInfo read_image_info(std::span<const char> bytes, std::uint64_t max_pixels = kMaxImagePixels);

/// The same, and the rest of the file is walked through: segments and scan data of a JPEG to its end marker, chunks of a PNG and
/// their checksums to its last. Fast, since nothing is decoded. Throws a user Error, without a place, for a file that is cut off
/// or damaged.
ImageInfo check_image(std::span<const char> bytes, std::uint64_t max_pixels = kMaxImagePixels);

}  // namespace smtrain::formats::image
