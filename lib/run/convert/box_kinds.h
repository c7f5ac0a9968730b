// Which inputs and outputs of a conversion are annotations, and which inputs other records in JSON, when nobody says.
#pragma once

#include <optional>

#include "run/convert/data_kind.h"

namespace smtrain::run {

/// A folder whose first annotation is .xml or a service's .json; a .json that lists images and boxes; a .manifest, or a .jsonl
/// whose first object has a reference; a file or folder of JSON Lines whose first object is a record of DeepAR or Object2Vec; a
/// folder of PNG masks is told only by --from.
std::optional<DataKind> guess_structured_input(const ConvertRequest& request);

/// For inputs of annotations, images and masks: by .json, .lst, .rec, .manifest; a folder is the service's JSON for VOC and COCO.
std::optional<DataKind> guess_box_output(const ConvertRequest& request, DataKind input);

}  // namespace smtrain::run
