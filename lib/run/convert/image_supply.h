// Images on their way into a conversion: out of a folder, a list, records or annotations.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "formats/image/image_source.h"
#include "run/convert/data_kind.h"

namespace smtrain::run {

using ImageSupply = formats::image::ImageSource;
using SuppliedImage = formats::image::EncodedImage;

/// The order is that of the input, or of im2rec's walk over a folder, shuffled by the seed. `log` must outlive it.
std::unique_ptr<ImageSupply> open_image_supply(const ConvertRequest& request, DataKind from, Log& log);

/// Images of a folder in the order in which they are listed: that of the walk, or shuffled, which is the default. Index and order
/// of the walk are one.
std::vector<std::uint64_t> listing_order(std::size_t images, bool shuffled, std::uint64_t seed);

}  // namespace smtrain::run
