// `convert` of tables: any format of rows to any other.
#pragma once

#include "run/convert/conversion.h"

namespace smtrain::run {

void convert_table(const ConvertRequest& request, DataKind from, DataKind to, Console& console);

}  // namespace smtrain::run
