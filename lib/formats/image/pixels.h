// Pixels: a decoded image, as the image algorithms take it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace smtrain::formats::image {

/// RGB, a byte per sample, row after row from the top, no gaps: rgb has height * width * 3 bytes.
struct Pixels {
  std::uint32_t width = 0, height = 0;
  std::vector<std::uint8_t> rgb;

  std::size_t row_bytes() const { return std::size_t{3} * width; }
  const std::uint8_t* row(std::size_t y) const { return rgb.data() + y * row_bytes(); }
  std::uint8_t* row(std::size_t y) { return rgb.data() + y * row_bytes(); }
  /// Makes room for an image of that size; what is in it is unspecified.
  void resize(std::uint32_t new_width, std::uint32_t new_height) {
    width = new_width;
    height = new_height;
    rgb.resize(std::size_t{height} * row_bytes());
  }
};

}  // namespace smtrain::formats::image
