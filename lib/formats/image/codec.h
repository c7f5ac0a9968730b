// JPEG and PNG by libjpeg-turbo and libpng. What they report by longjmp and messages becomes user Errors here.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "formats/image/pixels.h"

namespace smtrain::formats::image {

/// `denominator`: 1, 2, 4 or 8; the image comes that many times smaller, rounded up. Size and bounds have been checked by the
/// caller (read_image_info). Throws a user Error, without a place, for data that is cut off or damaged.
void decode_jpeg(std::span<const char> bytes, int denominator, Pixels& pixels);
void decode_png(std::span<const char> bytes, Pixels& pixels);

/// Replaces `out`. `quality`: 1 to 100, with chroma at half resolution as everybody's default is.
void encode_jpeg(const Pixels& pixels, int quality, std::string& out);
/// `level`: 0 to 9, deflate's.
void encode_png(const Pixels& pixels, int level, std::string& out);

}  // namespace smtrain::formats::image
