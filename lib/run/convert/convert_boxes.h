// `convert` of boxes: the service's JSON, Pascal VOC and COCO into each other.
#pragma once

#include "run/convert/boxed_images.h"
#include "run/convert/conversion.h"

namespace smtrain::run {

void convert_boxes(const ConvertRequest& request, DataKind from, DataKind to, Console& console);

/// Writes boxes as JSON or VOC into a folder, a file per image named as that is, or as one COCO document.
void write_boxed_images(const ConvertRequest& request, DataKind to, const formats::AnnotationSet& set, Console& console);

}  // namespace smtrain::run
