#include "formats/image/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "formats/image/image_info.h"

namespace smtrain::formats::image {
namespace {

// A weighted sum of bytes stays below 2^31, negative weights there are none.
constexpr int kFractionBits = 22;
constexpr std::int32_t kHalf = 1 << (kFractionBits - 1);

/// From which pixels of a line, and by how much of each, every pixel of the new line comes.
struct Filter {
  struct Window {
    std::uint32_t first = 0, count = 0;
    std::size_t weights = 0;  // where they begin
  };
  std::vector<Window> windows;
  std::vector<std::int32_t> weights;
};

void add_window(Filter& filter, double centre, double reach, std::uint32_t from) {
  const auto first = static_cast<std::uint32_t>(std::max(0.0, centre - reach + 0.5));
  const auto end = std::min(from, static_cast<std::uint32_t>(centre + reach + 0.5));
  std::vector<double> shares;
  double sum = 0;
  for (std::uint32_t x = first; x < end; ++x) {
    shares.push_back(std::max(0.0, 1 - std::abs((x - centre + 0.5) / reach)));
    sum += shares.back();
  }
  filter.windows.push_back({first, end - first, filter.weights.size()});
  for (const double share : shares) {
    filter.weights.push_back(static_cast<std::int32_t>(0.5 + share / sum * (1 << kFractionBits)));
  }
}

Filter make_filter(std::uint32_t from, std::uint32_t to) {
  Filter filter;
  const double step = static_cast<double>(from) / to;
  for (std::uint32_t x = 0; x < to; ++x) add_window(filter, (x + 0.5) * step, std::max(step, 1.0), from);
  return filter;
}

std::uint8_t to_byte(std::int32_t sum) { return static_cast<std::uint8_t>(std::clamp(sum >> kFractionBits, 0, 255)); }

Pixels along_rows(const Pixels& pixels, std::uint32_t width) {
  const Filter filter = make_filter(pixels.width, width);
  Pixels out;
  out.resize(width, pixels.height);
  for (std::uint32_t y = 0; y < pixels.height; ++y) {
    std::uint8_t* to = out.row(y);
    for (const Filter::Window& window : filter.windows) {
      const std::uint8_t* from = pixels.row(y) + std::size_t{3} * window.first;
      const std::int32_t* weight = filter.weights.data() + window.weights;
      std::int32_t red = kHalf, green = kHalf, blue = kHalf;
      for (std::uint32_t i = 0; i < window.count; ++i, from += 3) {
        red += from[0] * weight[i];
        green += from[1] * weight[i];
        blue += from[2] * weight[i];
      }
      *to++ = to_byte(red);
      *to++ = to_byte(green);
      *to++ = to_byte(blue);
    }
  }
  return out;
}

Pixels along_columns(const Pixels& pixels, std::uint32_t height) {
  const Filter filter = make_filter(pixels.height, height);
  Pixels out;
  out.resize(pixels.width, height);
  std::vector<std::int32_t> sums(pixels.row_bytes());
  for (std::uint32_t y = 0; y < height; ++y) {
    const Filter::Window& window = filter.windows[y];
    std::fill(sums.begin(), sums.end(), kHalf);
    for (std::uint32_t i = 0; i < window.count; ++i) {
      const std::uint8_t* from = pixels.row(window.first + i);
      const std::int32_t weight = filter.weights[window.weights + i];
      for (std::size_t x = 0; x < sums.size(); ++x) sums[x] += from[x] * weight;
    }
    std::transform(sums.begin(), sums.end(), out.row(y), to_byte);
  }
  return out;
}

}  // namespace

Pixels resized(const Pixels& pixels, std::uint32_t width, std::uint32_t height) {
  if (width == pixels.width) return height == pixels.height ? pixels : along_columns(pixels, height);
  Pixels rows = along_rows(pixels, width);
  return height == rows.height ? rows : along_columns(rows, height);
}

Pixels resized_short_side(const Pixels& pixels, std::uint32_t side) {
  const std::uint64_t shorter = std::min(pixels.width, pixels.height), longer = std::max(pixels.width, pixels.height);
  const auto other = static_cast<std::uint32_t>(std::max<std::uint64_t>(1, longer * side / shorter));
  if (std::uint64_t{other} * side > kMaxImagePixels) {
    throw user_error("an image of {} x {} pixels would become one of {} x {}, expected at most {} pixels", pixels.width, pixels.height,
                     side, other, kMaxImagePixels);
  }
  return pixels.width <= pixels.height ? resized(pixels, side, other) : resized(pixels, other, side);
}

Pixels centre_square(const Pixels& pixels) {
  const std::uint32_t side = std::min(pixels.width, pixels.height);
  const std::size_t left = (pixels.width - side) / 2, top = (pixels.height - side) / 2;
  Pixels out;
  out.resize(side, side);
  for (std::size_t y = 0; y < side; ++y) std::memcpy(out.row(y), pixels.row(top + y) + 3 * left, out.row_bytes());
  return out;
}

Pixels upright(const Pixels& pixels, int orientation) {
  if (orientation <= 1 || orientation > 8) return pixels;
  const bool turned = orientation >= 5;  // rows become columns
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_below = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Pixels out;
  out.resize(turned ? pixels.height : pixels.width, turned ? pixels.width : pixels.height);
  for (std::size_t y = 0; y < out.height; ++y) {
    for (std::size_t x = 0; x < out.width; ++x) {
      const std::size_t column = turned ? y : x, row = turned ? x : y;
      const std::uint8_t* from = pixels.row(from_below ? pixels.height - 1 - row : row) + 3 * (from_right ? pixels.width - 1 - column : column);
      std::memcpy(out.row(y) + 3 * x, from, 3);
    }
  }
  return out;
}

}  // namespace smtrain::formats::image
