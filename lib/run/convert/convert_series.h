// `convert` of time series: tables to DeepAR's records and back.
#pragma once

#include "run/convert/conversion.h"

namespace smtrain::run {

/// {table} to {series}.
void convert_to_series(const ConvertRequest& request, DataKind from, DataKind to, Console& console);
/// {series} to {table}, long or wide CSV, and to {series}.
void convert_from_series(const ConvertRequest& request, DataKind from, DataKind to, Console& console);

}  // namespace smtrain::run
