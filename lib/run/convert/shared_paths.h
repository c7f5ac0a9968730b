// What a conversion reads and writes, compared before anything is written. Private to conversions.
#pragma once

#include "run/convert/data_kind.h"

namespace smtrain::run {

/// Throws a user Error where a path that is to be written (the output or its parts, indexes of records, --depfile, --manifest,
/// encodings, vocabularies, categories) is a file that is read, or is written twice, by whatever name or link. `prepare` is that
/// of the request as this conversion takes it. Files of a folder or glob are listed only where something is there already that
/// would be overwritten; images that a list or annotations name are not looked at.
void refuse_shared_paths(const ConvertRequest& request, const PrepareOptions& prepare, DataKind from, DataKind to);

}  // namespace smtrain::run
