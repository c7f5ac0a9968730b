// Images on their way into records, with the boxes or classes that annotations and manifests give them.
#pragma once

#include <memory>

#include "run/convert/image_supply.h"

namespace smtrain::run {

/// For JSON, VOC, COCO and manifests; nullptr for any other kind. Boxes become label vectors; images without a box are left out
/// with a warning. Sizes that annotations declare are compared with the images' first. `log` must outlive it.
std::unique_ptr<ImageSupply> open_box_supply(const ConvertRequest& request, DataKind from, Log& log);

}  // namespace smtrain::run
