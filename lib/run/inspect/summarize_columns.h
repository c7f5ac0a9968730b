// A table as people have it, with columns of text: a line for each column.
#pragma once

#include "run/inspect/record_summary.h"

namespace smtrain::run {

/// Whether the table is CSV or Parquet and a column holds text in most of the first records, so that it is no table of numbers
/// with a flaw. False for what can be read once only, and for what cannot be read as such a table at all.
bool has_text_columns(const InspectRequest& request);

/// Kinds, missing values, ranges and the most frequent values of the columns; how each goes with request.label. What to say to
/// convert for a table of numbers is among the notes.
RecordSummary summarize_columns(const InspectRequest& request);

}  // namespace smtrain::run
