// Boxes of images, summed up: the service's JSON, Pascal VOC, COCO.
#pragma once

#include "run/convert/data_kind.h"
#include "run/inspect/record_summary.h"

namespace smtrain::run {

RecordSummary summarize_boxes(const InspectRequest& request, DataKind kind, Console& console);

}  // namespace smtrain::run
