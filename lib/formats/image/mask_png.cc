#include <algorithm>

#include "base/error.h"
#include "formats/image/mask.h"
#include "formats/image/png_file.h"

namespace smtrain::formats::image {
namespace {

bool single_channel(int color_type, int bit_depth) {
  return bit_depth <= 8 && (color_type == PNG_COLOR_TYPE_PALETTE || color_type == PNG_COLOR_TYPE_GRAY);
}

// A byte per label, as it stands.
void to_labels(png_structp png) {
  png_set_check_for_invalid_index(png, -1);  // an index is a label, whether it has a colour or not
  png_set_packing(png);
}

const char* words_for_type(int type) {
  switch (type) {
    case PNG_COLOR_TYPE_GRAY: return "grey levels";
    case PNG_COLOR_TYPE_GRAY_ALPHA: return "grey and alpha";
    case PNG_COLOR_TYPE_RGB: return "colours";
    case PNG_COLOR_TYPE_RGB_ALPHA: return "colours and alpha";
    default: return "palette indices";
  }
}

// 256 of them, so that every label has one.
std::array<png_color, 256> colors_of(const std::vector<Color>& palette) {
  std::array<png_color, 256> colors{};
  for (std::size_t i = 0; i < std::min(colors.size(), palette.size()); ++i)
    colors[i] = {palette[i].red, palette[i].green, palette[i].blue};
  return colors;
}

}  // namespace

Mask decode_mask(std::span<const char> bytes, std::uint64_t max_pixels) {
  const ImageInfo seen = read_image_info(bytes, max_pixels);
  if (seen.kind != ImageKind::png)
    throw user_error("a {}, expected a PNG; a lossy format would change labels", name_of(seen.kind));
  PngReader reader(bytes);
  reader.open();
  if (!single_channel(reader.color_type(), reader.bit_depth())) {
    throw user_error(
        "a PNG of {} of {} bits, expected one channel of at most 8 bits; smtrain convert --palette FILE turns colours into "
        "labels",
        words_for_type(reader.color_type()), reader.bit_depth());
  }
  reader.prepare(to_labels);
  Mask mask;
  mask.width = reader.width();
  mask.height = reader.height();
  if (reader.row_bytes() != mask.width)
    throw internal_error("a mask of {} bytes per row, expected {}", reader.row_bytes(), mask.width);
  mask.labels.resize(std::size_t{mask.width} * mask.height);
  reader.read(mask.labels.data());
  for (const png_color& color : reader.palette()) mask.palette.push_back({color.red, color.green, color.blue});
  return mask;
}

std::string encode_mask(const Mask& mask) {
  std::string out;
  PngRows rows{.pixels = mask.labels.data(),
               .width = mask.width,
               .height = mask.height,
               .row_bytes = mask.width,
               .color_type = PNG_COLOR_TYPE_GRAY,
               .palette = {},
               .level = std::nullopt};
  const std::array<png_color, 256> colors = colors_of(mask.palette);
  if (!mask.palette.empty()) {
    rows.color_type = PNG_COLOR_TYPE_PALETTE;
    rows.palette = colors;
  }
  write_png(rows, out);
  return out;
}

}  // namespace smtrain::formats::image
