// `convert` of boxes: the service's JSON, Pascal VOC, COCO, manifests, detection lists and detection records into each other.
#pragma once

#include "run/convert/conversion.h"

namespace smtrain::run {

/// JSON, VOC, COCO, a manifest or a list to JSON or VOC in a folder (a file per image, named as that is), or to one COCO
/// document.
void convert_boxes(const ConvertRequest& request, DataKind from, DataKind to, Console& console);

/// Records to the same; a folder gets the images, too, below "images", and the boxes below "annotations".
void convert_records_to_boxes(const ConvertRequest& request, DataKind from, DataKind to, Console& console);

/// JSON, VOC or COCO to a detection list; paths are relative to the folder of the images.
void convert_boxes_to_list(const ConvertRequest& request, DataKind from, DataKind to, Console& console);

}  // namespace smtrain::run
