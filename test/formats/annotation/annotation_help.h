// What tests of annotations share: random annotated images, samples with a change.
#pragma once

#include <catch2/catch.hpp>
#include <string>

#include "base/error_help.h"
#include "base/random.h"
#include "formats/annotation/annotation.h"

namespace smtrain::formats {

using test::error_of;

inline AnnotatedImage random_image(RandomStream& draw, std::size_t number, bool whole_pixels) {
  AnnotatedImage image;
  image.file = fmt::format("sub {}/img-{}.jpg", draw.below(3), number);
  image.width = 2 + static_cast<std::int64_t>(draw.below(1000));
  image.height = 2 + static_cast<std::int64_t>(draw.below(1000));
  const double grain = whole_pixels ? 1 : 0.25;
  for (std::size_t i = 0, n = draw.below(5); i < n; ++i) {
    const auto side = [&](std::int64_t limit, double& from, double& size) {
      const auto steps = static_cast<std::uint64_t>(static_cast<double>(limit) / grain);
      const std::uint64_t low = draw.below(steps), length = 1 + draw.below(steps - low);
      from = static_cast<double>(low) * grain;
      size = static_cast<double>(length) * grain;
    };
    Box box;
    box.class_id = static_cast<std::int64_t>(draw.below(4));
    side(image.width, box.left, box.width);
    side(image.height, box.top, box.height);
    image.boxes.push_back(box);
  }
  return image;
}

/// `text` with one thing changed.
inline std::string with_change(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace smtrain::formats
