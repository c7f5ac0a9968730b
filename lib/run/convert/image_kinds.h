// Which inputs and outputs of a conversion are images, when nobody says.
#pragma once

#include <optional>

#include "run/convert/data_kind.h"

namespace smtrain::run {

/// Images by content type; else a .lst; image records by their bytes, whatever the file is called; a folder that holds images.
std::optional<DataKind> guess_image_input(const ConvertRequest& request);

/// Images by content type; else, for inputs of images, .lst, .rec, or a folder for a path without suffix.
std::optional<DataKind> guess_image_output(const ConvertRequest& request, DataKind input);

}  // namespace smtrain::run
