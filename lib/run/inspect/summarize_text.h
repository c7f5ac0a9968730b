// Text and tokens, summed up: documents, BlazingText's lines, Object2Vec's pairs, seq2seq's records.
#pragma once

#include "run/convert/data_kind.h"
#include "run/inspect/record_summary.h"

namespace smtrain::run {

RecordSummary summarize_sentences(const InspectRequest& request, DataKind kind, Console& console);
RecordSummary summarize_pairs(const InspectRequest& request, DataKind kind, Console& console);
RecordSummary summarize_translations(const InspectRequest& request, DataKind kind, Console& console);

}  // namespace smtrain::run
