// `convert` of texts: documents to BlazingText's lines, word counts, Object2Vec's pairs and seq2seq's records.
#pragma once

#include "run/convert/conversion.h"

namespace smtrain::run {

/// {documents} to {sentences, counts, pairs, translations}.
void convert_text(const ConvertRequest& request, DataKind from, DataKind to, Console& console);

/// BlazingText's lines to its augmented manifest (.json, .jsonl) and back.
void convert_sentences(const ConvertRequest& request, DataKind from, DataKind to, Console& console);

}  // namespace smtrain::run
