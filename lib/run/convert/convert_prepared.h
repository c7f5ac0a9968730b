// `convert` with preparation: columns chosen and encoded, records shuffled, parted into several outputs.
#pragma once

#include "run/convert/conversion.h"

namespace smtrain::run {

/// Records are taken in order, shuffled if asked for, then dealt to the parts. All outputs are written before the first appears
/// under its name. The same bytes for any number of threads and any memory limit; which record goes where follows from --seed.
void convert_prepared(const ConvertRequest& request, DataKind from, DataKind to, Console& console);

}  // namespace smtrain::run
