#include "base/error.h"
#include "formats/image/codec.h"
#include "formats/image/png_file.h"

namespace smtrain::formats::image {
namespace {

void to_rgb(png_structp png) {
  png_set_palette_to_rgb(png);
  png_set_expand_gray_1_2_4_to_8(png);
  png_set_strip_16(png);
  png_set_strip_alpha(png);
  png_set_gray_to_rgb(png);
}

}  // namespace

void decode_png(std::span<const char> bytes, Pixels& pixels) {
  PngReader reader(bytes);
  reader.open();
  reader.prepare(to_rgb);
  pixels.resize(reader.width(), reader.height());
  if (reader.row_bytes() != pixels.row_bytes()) {
    throw internal_error("a PNG of {} bytes per row, expected {}", reader.row_bytes(), pixels.row_bytes());
  }
  reader.read(pixels.rgb.data());
}

void encode_png(const Pixels& pixels, int level, std::string& out) {
  out.clear();
  write_png({.pixels = pixels.rgb.data(),
             .width = pixels.width,
             .height = pixels.height,
             .row_bytes = pixels.row_bytes(),
             .color_type = PNG_COLOR_TYPE_RGB,
             .palette = {},
             .level = level},
            out);
}

}  // namespace smtrain::formats::image
