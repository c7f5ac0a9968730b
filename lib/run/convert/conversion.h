// Conversion: one way to turn data of one kind into another. convert.cc lists them all.
#pragma once

#include "run/convert/data_kind.h"
#include "run/requests.h"

namespace smtrain::run {

/// Writes request.output, whole or not at all. Throws Errors that name the place in the input.
using Convert = void (*)(const ConvertRequest& request, DataKind from, DataKind to, Console& console);

/// What a conversion does with images, which tells what flags of images have to do.
enum class ImageUse { none, written };

struct Conversion {
  DataKind from, to;
  Convert run;
  ImageUse images = ImageUse::none;
};

}  // namespace smtrain::run
