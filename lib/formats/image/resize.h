// Images to other sizes.
#pragma once

#include <cstdint>

#include "formats/image/pixels.h"

namespace smtrain::formats::image {

/// Both sizes at least 1. A triangle filter as wide as the step between pixels (what Pillow calls BILINEAR), in fixed point and
/// first along rows: the same bits everywhere.
Pixels resized(const Pixels& pixels, std::uint32_t width, std::uint32_t height);

/// The shorter side becomes `side` and the other keeps the proportion, rounded down but never 0. Throws a user Error, without a
/// place, when that would be more than kMaxImagePixels.
Pixels resized_short_side(const Pixels& pixels, std::uint32_t side);

/// The square in the middle that is as wide as the shorter side.
Pixels centre_square(const Pixels& pixels);

/// As EXIF's orientation (1 to 8) says that it is looked at.
Pixels upright(const Pixels& pixels, int orientation);

}  // namespace smtrain::formats::image
