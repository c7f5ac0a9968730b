// Masks of segmentation: a label per pixel, as PNG (share/doc/formats/masks.md).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/image/image_info.h"
#include "formats/image/pixels.h"

namespace smtrain::formats::image {

/// The label of pixels that count neither in training nor in metrics.
inline constexpr std::uint8_t kHole = 255;

struct Color {
  std::uint8_t red = 0, green = 0, blue = 0;
  auto operator<=>(const Color&) const = default;
};

/// labels has height * width bytes, row after row from the top. A palette is for people alone; none: grey.
struct Mask {
  std::uint32_t width = 0, height = 0;
  std::vector<std::uint8_t> labels;
  std::vector<Color> palette;  ///< at most 256
};

/// Reads a PNG of one channel: palette indices or grey levels as they stand, 1, 2 and 4 bits not scaled up. Throws a user Error,
/// without a place, for one of colours, alpha or 16 bits (with what to do), and for everything that read_image_info() refuses.
/// Thread-safe.
Mask decode_mask(std::span<const char> bytes, std::uint64_t max_pixels = kMaxImagePixels);

/// An 8-bit PNG, of palette type where the mask has a palette; the same bytes for the same mask. Labels without a colour are
/// black.
std::string encode_mask(const Mask& mask);

/// The colours in which VOC draws its classes: 256 of them, the last one of holes.
std::vector<Color> voc_palette();

/// Colours of labels from 0, a line each: red, green, blue, and a name that is passed over. Throws a user Error with the line for
/// anything else, and for a colour that comes twice.
std::vector<Color> parse_palette(std::string_view text, const std::string& where);

/// Labels for colours. Throws a user Error, without a place, that names the pixel whose colour is none of the palette's.
Mask mask_of_colors(const Pixels& pixels, std::span<const Color> palette);

/// What the pixels of a mask mean as labels: "scale" or "map" of a label map channel.
struct LabelMap {
  std::array<std::uint8_t, 256> label;      ///< by pixel value; kHole for values that mean nothing
  std::array<bool, 256> known;

  /// Every value is its own label.
  static LabelMap identity();
};

/// Reads {"scale": "3"}: value / 3 rounded down, 255 staying what it is; or {"map": {"0": 5, "1": 0}}: the KEY is the label, the
/// value the pixel value. Numbers may be strings. Throws user Errors that begin with `where` for both or neither, a scale of 0, a
/// value that means two labels, and numbers beyond 255.
LabelMap parse_label_map(std::string_view text, const std::string& where);

/// Replaces pixel values by labels; returns how many pixels had a value that the map does not know.
std::uint64_t apply_label_map(const LabelMap& map, Mask& mask);

/// Throws a user Error, without a place, with the first pixel whose label is neither below `classes` nor a hole.
void check_mask_labels(const Mask& mask, int classes);

}  // namespace smtrain::formats::image
