// Random annotated images, and what reading throws.
#pragma once

#include <catch2/catch.hpp>
#include <string>

#include "base/error.h"
#include "base/random.h"
#include "formats/annotation/annotation.h"

namespace smtrain::formats {

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

/// The message of the user Error that `body` throws; "" when it throws none.
template <class F>
std::string user_message(F&& body) {
  try {
    body();
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::user);
    return error.what();
  }
  return "";
}

}  // namespace smtrain::formats
