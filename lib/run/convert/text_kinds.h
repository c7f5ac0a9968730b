// Text among the inputs: told from tables by its lines.
#pragma once

#include <optional>

#include "run/convert/data_kind.h"

namespace smtrain::run {

/// Seq2seq's records, by their content; documents or BlazingText's lines, where a file whose suffix names no format has lines that
/// are no records of a table: no number stands alone between separators, and the lines have no number of fields in common. nullopt
/// for all else.
std::optional<DataKind> guess_text_input(const ConvertRequest& request);

}  // namespace smtrain::run
