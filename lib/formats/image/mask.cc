#include "formats/image/mask.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/text.h"
#include "formats/text/lines.h"

namespace smtrain::formats::image {

std::vector<Color> voc_palette() {
  std::vector<Color> colors(256);
  for (unsigned label = 0; label < 256; ++label) {
    // The bits of the label are dealt out to the three channels, highest bit of a channel first.
    unsigned rest = label;
    for (int bit = 7; bit >= 0; --bit, rest >>= 3) {
      colors[label].red |= static_cast<std::uint8_t>((rest & 1) << bit);
      colors[label].green |= static_cast<std::uint8_t>((rest >> 1 & 1) << bit);
      colors[label].blue |= static_cast<std::uint8_t>((rest >> 2 & 1) << bit);
    }
  }
  return colors;
}

std::vector<Color> parse_palette(std::string_view text, const std::string& where) {
  std::vector<Color> colors;
  std::map<Color, std::uint64_t> seen;
  Lines lines(without_bom(text), 1);
  while (lines.next()) {
    std::array<unsigned, 3> channel{};
    const char* at = lines.line().data();
    const char* const end = at + lines.line().size();
    for (unsigned& value : channel) {
      while (at != end && (*at == ' ' || *at == '\t' || *at == ',')) ++at;
      const auto [next, error] = std::from_chars(at, end, value);
      if (error != std::errc() || value > 255)
        throw user_error("{}: {}, expected red, green and blue from 0 to 255, and a name", line_place(where, lines.number()),
                         smtrain::quoted(lines.line()));
      at = next;
    }
    const Color color{static_cast<std::uint8_t>(channel[0]), static_cast<std::uint8_t>(channel[1]),
                      static_cast<std::uint8_t>(channel[2])};
    const auto [first, added] = seen.emplace(color, lines.number());
    if (!added)
      throw user_error("{}: the colour {} {} {} is that of line {}, too", line_place(where, lines.number()), color.red,
                       color.green, color.blue, first->second);
    if (colors.size() == 256) throw user_error("{}: more than 256 colours", where);
    colors.push_back(color);
  }
  if (colors.empty()) throw user_error("{}: holds no colour", where);
  return colors;
}

Mask mask_of_colors(const Pixels& pixels, std::span<const Color> palette) {
  std::map<Color, std::uint8_t> labels;
  for (std::size_t i = 0; i < palette.size(); ++i) labels.emplace(palette[i], static_cast<std::uint8_t>(i));
  Mask mask{pixels.width, pixels.height, {}, {palette.begin(), palette.end()}};
  mask.labels.resize(std::size_t{pixels.width} * pixels.height);
  auto last = labels.end();  // neighbours are mostly alike
  for (std::size_t i = 0; i < mask.labels.size(); ++i) {
    const Color color{pixels.rgb[3 * i], pixels.rgb[3 * i + 1], pixels.rgb[3 * i + 2]};
    if (last == labels.end() || last->first != color) last = labels.find(color);
    if (last == labels.end()) {
      throw user_error("the pixel at x {}, y {} has the colour {} {} {}, which is none of the palette's {}", i % pixels.width,
                       i / pixels.width, color.red, color.green, color.blue, palette.size());
    }
    mask.labels[i] = last->second;
  }
  return mask;
}

std::uint64_t apply_label_map(const LabelMap& map, Mask& mask) {
  std::uint64_t unknown = 0;
  for (std::uint8_t& value : mask.labels) {
    unknown += !map.known[value];
    value = map.label[value];
  }
  return unknown;
}

void check_mask_labels(const Mask& mask, int classes) {
  const auto wrong =
      std::find_if(mask.labels.begin(), mask.labels.end(), [&](std::uint8_t v) { return v != kHole && v >= classes; });
  if (wrong == mask.labels.end()) return;
  const auto at = static_cast<std::size_t>(wrong - mask.labels.begin());
  throw user_error("the pixel at x {}, y {} has the label {}, expected one below {} or 255 for a hole", at % mask.width,
                   at / mask.width, *wrong, classes);
}

}  // namespace smtrain::formats::image
