// Images and what is said of them, summed up: .rec files, .lst files, folders, annotations, manifests.
#pragma once

#include "run/convert/data_kind.h"
#include "run/inspect/record_summary.h"

namespace smtrain::run {

RecordSummary summarize_image_records(const InspectRequest& request, DataKind kind, Console& console);
RecordSummary summarize_image_list(const InspectRequest& request, DataKind kind, Console& console);
RecordSummary summarize_image_folder(const InspectRequest& request, DataKind kind, Console& console);
RecordSummary summarize_masks(const InspectRequest& request, DataKind kind, Console& console);
RecordSummary summarize_manifest(const InspectRequest& request, DataKind kind, Console& console);

}  // namespace smtrain::run
