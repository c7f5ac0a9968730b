// One summary for each kind of data that is no table.
#pragma once

#include "run/convert/data_kind.h"
#include "run/inspect/record_summary.h"

namespace smtrain::run {

/// Looks at the first mebibytes of the data, at all of it with request.full or when it is small. What cannot be read is an answer
/// (`problems`), up to where reading stops; a file that cannot be opened is an Error. Throws a user Error for a kind that has no
/// summary.
RecordSummary summarize_records(const InspectRequest& request, DataKind kind, Console& console);

/// Whether there is a summary for a kind.
bool has_summary(DataKind kind);

}  // namespace smtrain::run
