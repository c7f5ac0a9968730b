// Values of Parquet's types as the numbers that readers want.
#pragma once

#include <cstddef>
#include <cstdint>

#include "formats/parquet/schema.h"

namespace smtrain::formats::parquet {

/// Whether values are numbers: boolean, integer and number.
bool is_numeric(Kind kind);

/// n values as ValueDecoder gives them, aligned or not, as float32; `type` is numeric. Returns whether integers beyond 2^24 were
/// among them, which float32 rounds.
bool to_float32(const LeafType& type, const void* values, std::size_t n, float* out);

/// The same as float64: integers beyond 2^53 are rounded.
void to_float64(const LeafType& type, const void* values, std::size_t n, double* out);

/// For kinds boolean, integer, timestamp, date, time: integers, or microseconds (nanoseconds are cut down).
void to_integers(const LeafType& type, const void* values, std::size_t n, std::int64_t* out);

}  // namespace smtrain::formats::parquet
