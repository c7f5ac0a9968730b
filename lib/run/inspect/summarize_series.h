// DeepAR's series, summed up.
#pragma once

#include "run/convert/data_kind.h"
#include "run/inspect/record_summary.h"

namespace smtrain::run {

RecordSummary summarize_series(const InspectRequest& request, DataKind kind, Console& console);

}  // namespace smtrain::run
